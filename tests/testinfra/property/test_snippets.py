"""A snippet cannot leave its block: nginx attributes each error in it to one of its lines."""

import os
import re
from collections import Counter

import pytest
from configuration import checked, files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONG = bool(os.environ.get("GATEHOUSE_LONG"))
SITE = {"name": "shop", "server_name": ["shop.example.com"]}
PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
BEGIN = "# the snippet\n"
FILE = "gatehouse/live/sites/shop.conf"
# Directives that may stand in both places, and all that begins, ends, quotes or comments something.
WHOLE = ["etag off;", "set $a b;", "if ($a) { etag off; }", "nonsense on;", "error_page 404 =200 /x;", '"etag" "off";']
PIECES = [
    *(
        "{",
        "}",
        ";",
        '"',
        "'",
        "\\",
        "#",
        " ",
        "\n",
        "\t",
        "$",
        "${",
        "${a}",
        "a",
        "\\\n",
        "\\;",
        "\\{",
        "\\}",
        "\\#",
        "a#",
    ),
    *("'a;'", '"}"', "a'b", 'a"b', "# }\n", "#;", "\r\n", "é", "\u2028", "\x0b", "(", ")", "if ($a) {", "=", "~", ","),
]
snippets = st.lists(st.sampled_from(WHOLE) | st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


def lines_before(text, mark):
    return text[: text.index(mark)].count("\n")


def blamed(words):
    """The lines of the site's file that nginx names."""
    return {int(line) for line in re.findall(rf" in /etc/nginx/{re.escape(FILE)}:(\d+)", words)}


@pytest.mark.parametrize("place", ["site", "location"])
def test_a_snippet_cannot_leave_its_block(nginx_says, place):
    seen = Counter()

    @settings(
        max_examples=4000 if LONG else 150,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(snippets)
    def try_out(snippet):
        seen["examples"] += 1
        site = SITE | {"locations": [PROXY]}
        if place == "site":
            site |= {"snippet": BEGIN + snippet}
        else:
            site |= {"locations": [PROXY | {"snippet": BEGIN + snippet}]}
        try:
            params = checked(site)
        except ValueError as refusal:
            assert "snippet is not valid on its own" in str(refusal)
            return
        seen["accepted"] += 1
        written = files(params)
        words = nginx_says(written)
        if not words:
            seen["valid"] += 1
            return
        begin = lines_before(written[FILE], BEGIN) + 1
        own = range(begin, begin + snippet.rstrip().count("\n") + 2)
        assert blamed(words) and blamed(words) <= set(own), f"{own}: {words}"

    try_out()
    print(dict(seen))
    assert seen["accepted"] > seen["examples"] / 10
    assert seen["valid"]

"""What an app's process may report instead of its settings."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import report
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Directory, Settings

TYPES = {name: kind.__forward_arg__ for name, kind in Settings.__annotations__.items()}
NAMES = tuple(TYPES)
LISTS, FLAGS, NUMBERS, TEXTS = (
    [name for name, kind in TYPES.items() if kind == wanted] for wanted in ("list[str]", "bool", "int | None", "str")
)
ANSWER = {"settings": dict.fromkeys(NAMES), "gunicorn": [27, 0], "inventory": ["DEBUG"], "module": "shop.settings"}


def test_the_last_line_is_the_report():
    found = report.parse("noise\n" + json.dumps(ANSWER) + "\n")
    assert found.prefix == ""
    assert report.parse(json.dumps(ANSWER | {"prefix": "/shop/"})).prefix == "/shop/"
    assert (found.gunicorn, found.inventory, found.module, found.error) == ([27, 0], ["DEBUG"], "shop.settings", "")
    assert report.parse(json.dumps({"error": "KeyError", "module": "x"})).error == "KeyError"


@pytest.mark.parametrize("output", ["", "\n", "no JSON", "{", '{"settings"'])
def test_no_report(output):
    assert report.parse(output) is None


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("null", "null instead of"),
        ("[]", "a list instead of"),
        ("7", "a number instead of"),
        ('{"settings": []}', "a list as 'settings'"),
        ('{"settings": {}}', "did not report SECURE_PROXY_SSL_HEADER, "),
        (json.dumps(ANSWER | {"directories": 7}), "a number as 'directories'"),
    ],
)
def test_a_malformed_report(output, words):
    with pytest.raises(report.Malformed, match=words):
        report.parse(output)


@pytest.mark.parametrize("value", [7, "text", [["deep"]], {"a": 1}, 1e400, True, None])
def test_each_setting_has_its_type(value):
    found = report.parse(json.dumps(ANSWER | {"settings": dict.fromkeys(NAMES, value)})).settings
    texts = [one for name in LISTS for one in found[name]] + [found[name] for name in TEXTS]
    assert all(isinstance(one, str) for one in texts)
    assert all(isinstance(found[name], list) for name in LISTS)
    assert all(isinstance(found[name], bool) for name in FLAGS)
    assert all(
        found[name] is None or (isinstance(found[name], int) and not isinstance(found[name], bool)) for name in NUMBERS
    )


def test_names_that_no_file_can_have_are_dropped():
    seen = {"real": 7, "files": ["a", "", "\ud800", "a\0b", 7, "\udcff"]}
    found = report.parse(json.dumps(ANSWER | {"directories": {"STATIC_ROOT": seen, "MEDIA_ROOT": []}}))
    assert (found.static, found.media) == (Directory("", ("a", "\udcff")), Directory())

"""Any value of an option is refused with a message, or has exactly its documented effect in nginx."""

import os
from collections import Counter

import pytest
from configuration import checked, files
from hostile import sites
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from meaning import found, wanted

LONG = bool(os.environ.get("GATEHOUSE_LONG"))
PROXY = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
BATCH = 8  # sites for one `nginx -t`


def accepted(site, hostile):
    """Whether the site is taken; where it is refused, that has a reason and the message names it."""
    try:
        checked(site)
    except ValueError as refusal:
        message = str(refusal)
        assert not isinstance(refusal, UnicodeError)
        assert hostile, f"refused without a reason: {message}"
        assert message.startswith((f"site '{site['name']}'", "site name "))
        assert any(option in message for option in hostile)
        return False
    return True


def together(sites):
    """The sites in groups that fit on one host: no two with one name, or with one server_name."""
    while sites:
        chosen, left = [], []
        for site in sites:
            try:
                checked(*chosen, site)
            except ValueError as refusal:
                assert "listed twice" in str(refusal) or "is claimed by" in str(refusal)
                left.append(site)
            else:
                chosen.append(site)
        yield chosen
        sites = left


def names(params):
    """The names of applications, which the host's DNS would have to know."""
    addresses = [location["proxy_pass"] for site in params["sites"] for location in site["locations"] or []]
    hosts = [address.removeprefix("http://").partition(":")[0] for address in addresses if address]
    return sorted({host for host in hosts if host not in ("unix", "[", "")})


def assert_means_what_it_says(site, content, path, version):
    path.write_text(content, encoding="utf-8")
    upstreams, servers = found(path)
    wanted_upstreams, wanted_servers = wanted(site, version)
    assert sorted(upstreams, key=str) == sorted(wanted_upstreams, key=str)
    assert set(servers) == set(wanted_servers)
    assert len(servers) == len(wanted_servers)


@pytest.fixture(scope="module")
def version(host):
    """nginx's: HTTP/2 has two forms."""
    return host.run("nginx -v").stderr.strip().rpartition("/")[2]


@pytest.fixture
def examine(nginx_says, tmp_path, version):
    """Demand what this file promises of some sites, given with their hostile options; the number that was accepted."""

    def examine(batch):
        taken = [site for site, hostile in batch if accepted(site, hostile)]
        for group in together(taken):
            params = checked(*group)
            written = files(params, version)
            for site in params["sites"]:
                if site["state"] == "present":
                    content = written[f"gatehouse/live/sites/{site['name']}.conf"]
                    assert_means_what_it_says(site, content, tmp_path / "site.conf", version)
            assert nginx_says(written, names(params)) == ""
        return len(taken)

    return examine


def test_a_hostile_value_is_refused_or_quoted(examine):
    seen = Counter()

    @settings(
        max_examples=700 if LONG else 40,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        print_blob=True,
    )
    @given(st.lists(sites(), min_size=BATCH, max_size=BATCH))
    def try_out(batch):
        seen["examples"] += len(batch)
        seen["hostile"] += sum(1 for _site, hostile in batch if hostile)
        seen["accepted"] += examine(batch)

    try_out()
    print(dict(seen))
    # Else this test would look at nothing.
    assert seen["examples"] > seen["hostile"] > seen["examples"] / 4 < seen["accepted"]


def site(location=None, **options):
    defaults = {"name": "shop", "server_name": ["shop.example.com"], "locations": [PROXY | (location or {})]}
    return defaults | options


# Accepted once, and then refused by nginx, or impossible to write down.
FOUND = [
    ("listen", site(listen=["٨٠"])),
    ("listen", site(listen=["80", "*:80"])),
    ("listen", site(listen=["80", "080"])),
    ("listen", site(listen=["999.0.0.1:80"])),
    ("listen", site(listen=["[1::2::3]:80"])),
    ("listen", site(listen=["[::ffff:192.0.2.1]:80"])),
    ("listen", site(listen=["nowhere.invalid:80"])),
    ("server_name", site(server_name=["_"])),
    ("server_name", site(server_name=["*.example.*"])),
    ("server_name", site(server_name=["example.com", ".example.com"])),
    ("server_name", site(server_name=[".".join(["a" * 60] * 4)])),
    ("server_name", site(server_name=[".".join(["a" * 63] * 5)])),
    ("client_max_body_size", site(client_max_body_size="99999999999999g")),
    ("client_max_body_size", site(client_max_body_size="٣m")),
    ("proxy_read_timeout", site({"proxy_read_timeout": "99999999999999999999"})),
    ("proxy_pass", site({"proxy_pass": "http://app1:0"})),
    ("proxy_pass", site({"proxy_pass": "http://app1:99999"})),
    ("proxy_pass", site({"proxy_pass": "http://[1::2::3]:80"})),
    ("proxy_pass", site({"proxy_pass": f"http://unix:/{'a' * 107}"})),
    ("path", site({"path": "/" + "a" * 5000})),
    ("path", site({"path": "/gatehouse-pages/"})),
    ("path", site({"path": "/\ud800"})),
    ("cache_control", site(locations=[{"path": "/a/", "alias": "/a/", "cache_control": "a" * 5000}])),
]


@pytest.mark.parametrize(("option", "site"), FOUND, ids=[f"{option}-{n}" for n, (option, _site) in enumerate(FOUND)])
def test_earlier_failures_stay_fixed(examine, option, site):
    examine([(site, {option})])


FOUND_TOGETHER = {
    "an upstream of one site is named like another site": [
        site(locations=[PROXY, {"path": "/b/", "proxy_pass": "http://app2"}]),
        site(name="shop_1", server_name=["shop-1.example.com"]),
    ],
    "one address is written in two ways": [
        site(listen=["80"]),
        site(name="b", server_name=["b.example.com"], listen=["*:80"]),
        site(name="c", server_name=["c.example.com"], listen=["0.0.0.0:080"]),
    ],
    "a name is also among the names with a dot in front": [
        site(server_name=[".example.com"]),
        site(name="b", server_name=["example.com"]),
    ],
}


@pytest.mark.parametrize("sites", FOUND_TOGETHER.values(), ids=FOUND_TOGETHER)
def test_earlier_failures_with_several_sites_stay_fixed(examine, sites):
    assert examine([(site, set()) for site in sites]) == len(sites)

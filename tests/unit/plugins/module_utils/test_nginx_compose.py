"""What a candidate is composed of."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_compose import compose as compose_for
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_generation import Generation


def rendered(*names, listen=("80",), main=None, absent=()):
    sites = {
        name: {"content": f"# {name}\n", "listen": list(listen), "server_name": [f"{name}.example.com"]}
        for name in names
    }
    return {"shared": {"http.conf": "# http\n"}, "main": main or {}, "sites": sites, "absent": list(absent)}


def compose(live, parts, *, purge=False, owns=False, entered=False):
    return compose_for("/etc/nginx", live, parts, purge=purge, owns_nginx_conf=owns, entered=entered)


EMPTY = Generation()


def test_sites_of_earlier_calls_stay():
    first = compose(EMPTY, rendered("a"))
    assert sorted(compose(first, rendered("b")).sites) == ["a", "b"]


def test_purge_makes_the_list_the_whole_truth():
    first = compose(EMPTY, rendered("a"))
    second = compose(first, rendered("b"), purge=True)
    assert list(second.sites) == ["b"]
    assert "sites/a.conf" not in second.files


def test_absent_site_goes():
    assert compose(compose(EMPTY, rendered("a", "b")), rendered(absent=["a"])).sites.keys() == {"b"}


def test_the_same_again_is_the_same():
    first = compose(EMPTY, rendered("b", "a"))
    assert compose(first, rendered("a")).files == first.files


def test_default_server_listens_wherever_a_site_does():
    parts = rendered("a", listen=["80", "[::]:8080"], main={"nginx.conf": "x"})
    assert compose(EMPTY, parts, owns=True).files["default_listen.conf"] == (
        "listen 80 default_server;\nlisten [::]:8080 default_server;\n"
    )


def test_no_default_server_where_nginx_conf_is_not_ours():
    assert "default_listen.conf" not in compose(EMPTY, rendered("a")).files


def test_nginx_conf_stays_where_a_call_says_nothing_of_it():
    first = compose(EMPTY, rendered("a", main={"nginx.conf": "# main\n"}), owns=True)
    assert compose(first, rendered("b"), owns=True).files["nginx.conf"] == "# main\n"


@pytest.mark.parametrize("name", ["A.example.com", ".a.example.com"])
def test_one_name_for_two_sites_of_two_calls_is_refused(name):
    first = compose(EMPTY, rendered("a"))
    second = rendered("b")
    second["sites"]["b"]["server_name"] = [name]
    with pytest.raises(ValueError, match=r"\.example\.com' is claimed by site 'a' and by site 'b' on port 80"):
        compose(first, second)


def test_our_own_nginx_conf_includes_the_sites_once():
    parts = rendered("a", main={"nginx.conf": "x"})
    assert compose(EMPTY, parts, owns=True).files["entry.conf"] == "include /etc/nginx/gatehouse/live/http.conf;\n"
    assert "include" not in compose(EMPTY, parts, owns=True, entered=True).files["entry.conf"].partition("\n")[2]


def test_a_managed_nginx_conf_that_is_gone_needs_its_role():
    with pytest.raises(ValueError, match=r"run the role gatehouse\.django\.nginx"):
        compose(EMPTY, rendered("a"), owns=True)

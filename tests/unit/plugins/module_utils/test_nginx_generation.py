"""Generations: what a candidate is composed of, how it is written, and which are kept."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_generation as generations


def rendered(*names, listen=("80",), main=None):
    sites = {
        name: {"content": f"# {name}\n", "listen": list(listen), "server_name": [f"{name}.example.com"]}
        for name in names
    }
    return {"shared": {"http.conf": "# http\n"}, "main": main or {}, "sites": sites}


def compose(live, parts, absent=(), *, purge=False, owns=False):
    return generations.compose(live, parts, list(absent), purge=purge, owns_nginx_conf=owns)


EMPTY = generations.Generation()


def test_sites_of_earlier_calls_stay():
    first = compose(EMPTY, rendered("a"))
    assert sorted(compose(first, rendered("b")).sites) == ["a", "b"]


def test_purge_makes_the_list_the_whole_truth():
    first = compose(EMPTY, rendered("a"))
    second = compose(first, rendered("b"), purge=True)
    assert list(second.sites) == ["b"]
    assert "sites/a.conf" not in second.files


def test_absent_site_goes():
    assert compose(compose(EMPTY, rendered("a", "b")), rendered(), absent=["a"]).sites.keys() == {"b"}


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


def test_one_name_for_two_sites_of_two_calls_is_refused():
    first = compose(EMPTY, rendered("a"))
    second = rendered("b")
    second["sites"]["b"]["server_name"] = ["A.example.com"]
    with pytest.raises(
        ValueError, match=r"'A\.example\.com' is claimed by site 'a' and by site 'b'|by site 'a'.*by site 'b'"
    ):
        compose(first, second)


def test_what_is_written_is_read_back(tmp_path):
    candidate = compose(EMPTY, rendered("a"))
    home = tmp_path / "gatehouse"
    generations.write(home / "generations" / "7", candidate.files)
    (home / "live").symlink_to("generations/7")
    live = generations.read_live(str(tmp_path))
    assert (live.number, live.files, live.sites, live.owns_nginx_conf) == (7, candidate.files, candidate.sites, False)
    assert (home / "generations/7/sites").stat().st_mode & 0o777 == 0o755
    assert (home / "generations/7/sites/a.conf").stat().st_mode & 0o777 == 0o644
    assert generations.next_number(str(tmp_path)) == 8


def test_no_generation_yet(tmp_path):
    assert generations.read_live(str(tmp_path)).number == 0
    assert generations.next_number(str(tmp_path)) == 1


def test_a_live_link_to_nothing_is_no_generation(tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "live").symlink_to("generations/3")
    assert generations.read_live(str(tmp_path)).number == 0


def test_a_managed_nginx_conf_that_is_gone_needs_its_role():
    with pytest.raises(ValueError, match=r"run the role gatehouse\.django\.nginx"):
        compose(EMPTY, rendered("a"), owns=True)


def test_prune_keeps_the_newest_and_the_live_one(tmp_path):
    home = tmp_path / "gatehouse" / "generations"
    for number in range(1, 15):
        (home / str(number)).mkdir(parents=True)
    generations.prune(str(tmp_path), live=2)
    assert sorted(int(path.name) for path in home.iterdir()) == [2, *range(5, 15)]

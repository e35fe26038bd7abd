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


def compose(live, parts, absent=(), *, purge=False, owns=False, entered=False):
    return generations.compose(
        "/etc/nginx", live, parts, list(absent), purge=purge, owns_nginx_conf=owns, entered=entered
    )


@pytest.fixture
def kept(tmp_path):
    """Make generations: with a site named after each, sealed, the last one live."""

    def kept(*numbers):
        for number in numbers:
            generations.build(str(tmp_path), number, compose(EMPTY, rendered(f"site{number}")).files)
            generations.seal(str(tmp_path), number)
        generations.link(str(tmp_path)).unlink(missing_ok=True)
        generations.link(str(tmp_path)).symlink_to(f"generations/{numbers[-1]}")
        return str(tmp_path)

    return kept


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


def test_what_is_written_is_read_back(tmp_path):
    candidate = compose(EMPTY, rendered("a"))
    generations.build(str(tmp_path), 7, candidate.files)
    home = tmp_path / "gatehouse"
    (home / "live").symlink_to("generations/7")
    live = generations.read_live(str(tmp_path))
    assert (live.number, live.files, live.sites, live.owns_nginx_conf) == (7, candidate.files, candidate.sites, False)
    assert (home / "generations/7").stat().st_mode & 0o777 == 0o755
    assert (home / "generations/7/sites").stat().st_mode & 0o777 == 0o755
    assert (home / "generations/7/sites/a.conf").stat().st_mode & 0o777 == 0o644
    assert generations.next_number(str(tmp_path)) == 8


def test_bytes_of_any_encoding_come_back(kept):
    conf_dir = kept(1)
    path = generations.directory(conf_dir, 1) / "sites" / "site1.conf"
    path.write_bytes(b"# gr\xfc\xdfe\n")
    live = generations.read_live(conf_dir)
    generations.build(conf_dir, 2, live.files)
    assert (generations.directory(conf_dir, 2) / "sites" / "site1.conf").read_bytes() == b"# gr\xfc\xdfe\n"


def test_no_generation_yet(tmp_path):
    assert generations.read_live(str(tmp_path)).number == 0
    assert generations.next_number(str(tmp_path)) == 1
    assert generations.numbers(str(tmp_path)) == []


def test_a_live_link_to_nothing_is_no_generation(tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "live").symlink_to("generations/3")
    assert generations.read_live(str(tmp_path)).number == 0


def test_a_record_that_cannot_be_read_names_its_file(kept):
    conf_dir = kept(1)
    (generations.directory(conf_dir, 1) / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"generations/1/state\.json is not what Gatehouse wrote .* restore it"):
        generations.read_live(conf_dir)


def test_a_managed_nginx_conf_that_is_gone_needs_its_role():
    with pytest.raises(ValueError, match=r"run the role gatehouse\.django\.nginx"):
        compose(EMPTY, rendered("a"), owns=True)


def test_only_what_was_served_is_kept(kept):
    conf_dir = kept(1, 2)
    generations.build(conf_dir, 3, {"state.json": "{}"})
    (generations.directory(conf_dir, 4).with_name(".4.gatehouse-new")).mkdir()
    mine = generations.directory(conf_dir, 2).with_name("2.before-the-move")
    mine.mkdir()
    assert generations.numbers(conf_dir) == [1, 2]
    assert generations.next_number(conf_dir) == 4
    generations.sweep(conf_dir)
    assert sorted(path.name for path in mine.parent.iterdir()) == ["1", "2", "2.before-the-move"]


def test_the_previous_generation_and_those_by_number(kept):
    conf_dir = kept(1, 2, 5, 4)
    assert generations.resolve(conf_dir, "previous") == 2
    assert generations.resolve(conf_dir, "5") == 5
    with pytest.raises(ValueError, match=r"generation '3' is not kept on this host: give .* 1, 2, 4, 5"):
        generations.resolve(conf_dir, "3")


def test_the_first_generation_has_no_previous_one(kept):
    with pytest.raises(ValueError, match="none older than the live one is kept"):
        generations.resolve(kept(1), "previous")


def test_prune_keeps_the_newest_and_the_live_one(kept):
    conf_dir = kept(*(number for number in range(1, 15) if number != 2), 2)
    generations.prune(conf_dir)
    assert generations.numbers(conf_dir) == [2, *range(5, 15)]

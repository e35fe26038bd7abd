"""Generations: how they are written, kept and resolved."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose

EMPTY = generation.Generation()


def with_site(name):
    """A generation with one site."""
    site = {"content": f"# {name}\n", "listen": ["80"], "server_name": [f"{name}.example.com"]}
    parts = {"shared": {"http.conf": "# http\n"}, "main": {}, "sites": {name: site}, "absent": []}
    return compose("/etc/nginx", EMPTY, parts, purge=False, owns_nginx_conf=False)


@pytest.fixture
def kept(tmp_path):
    """Make generations: with a site named after each, sealed, the last one live."""

    def kept(*numbers):
        for number in numbers:
            generation.build(str(tmp_path), number, with_site(f"site{number}").files)
            generation.seal(str(tmp_path), number)
        generation.link(str(tmp_path)).unlink(missing_ok=True)
        generation.link(str(tmp_path)).symlink_to(f"generations/{numbers[-1]}")
        return str(tmp_path)

    return kept


def test_what_is_written_is_read_back(tmp_path):
    candidate = with_site("a")
    generation.build(str(tmp_path), 7, candidate.files)
    home = tmp_path / "gatehouse"
    (home / "live").symlink_to("generations/7")
    live = generation.read_live(str(tmp_path))
    assert (live.number, live.files, live.sites, live.owns_nginx_conf) == (7, candidate.files, candidate.sites, False)
    assert (home / "generations/7").stat().st_mode & 0o777 == 0o755
    assert (home / "generations/7/sites").stat().st_mode & 0o777 == 0o755
    assert (home / "generations/7/sites/a.conf").stat().st_mode & 0o777 == 0o644
    assert generation.next_number(str(tmp_path)) == 8


def test_bytes_of_any_encoding_are_kept(kept):
    conf_dir = kept(1)
    path = generation.directory(conf_dir, 1) / "sites" / "site1.conf"
    path.write_bytes(b"# gr\xfc\xdfe\n")
    live = generation.read_live(conf_dir)
    generation.build(conf_dir, 2, live.files)
    assert (generation.directory(conf_dir, 2) / "sites" / "site1.conf").read_bytes() == b"# gr\xfc\xdfe\n"


def test_no_generation_yet(tmp_path):
    assert generation.read_live(str(tmp_path)).number == 0
    assert generation.next_number(str(tmp_path)) == 1
    assert generation.numbers(str(tmp_path)) == []


def test_a_broken_live_link_is_no_generation(tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "live").symlink_to("generations/3")
    assert generation.read_live(str(tmp_path)).number == 0


def test_a_record_that_cannot_be_read_names_its_file(kept):
    conf_dir = kept(1)
    (generation.directory(conf_dir, 1) / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"generations/1/state\.json is damaged .* restore it"):
        generation.read_live(conf_dir)


def test_only_sealed_generations_are_kept(kept):
    conf_dir = kept(1, 2)
    generation.build(conf_dir, 3, {"state.json": "{}"})
    (generation.directory(conf_dir, 4).with_name(".4.gatehouse-new")).mkdir()
    mine = generation.directory(conf_dir, 2).with_name("2.before-the-move")
    mine.mkdir()
    assert generation.numbers(conf_dir) == [1, 2]
    assert generation.next_number(conf_dir) == 4
    generation.remove_unserved(conf_dir)
    assert sorted(path.name for path in mine.parent.iterdir()) == ["1", "2", "2.before-the-move"]


def test_the_previous_generation_and_those_by_number(kept):
    conf_dir = kept(1, 2, 5, 4)
    assert generation.resolve(conf_dir, "previous") == 2
    assert generation.resolve(conf_dir, "5") == 5
    with pytest.raises(ValueError, match=r"generation '3' does not exist on this host: use .* 1, 2, 4, 5"):
        generation.resolve(conf_dir, "3")


def test_the_first_generation_has_no_previous_one(kept):
    with pytest.raises(ValueError, match="this host has no generation older than the live one"):
        generation.resolve(kept(1), "previous")


def test_prune_keeps_the_newest_and_the_live_one(kept):
    conf_dir = kept(*(number for number in range(1, 15) if number != 2), 2)
    generation.prune(conf_dir)
    assert generation.numbers(conf_dir) == [2, *range(5, 15)]

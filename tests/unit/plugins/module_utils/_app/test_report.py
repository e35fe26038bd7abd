"""Reports are untrusted input."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

TOKEN = "0123456789abcdef"
WHOLE = {
    "token": TOKEN,
    "phase": "migrate",
    "phases": dict.fromkeys(sorted(report.PHASES), 0.125),
    "check": "System check identified 1 issue\n  a warning",
    "migrations": ["shop.0002_more", "queue.0001-initial (database queue)"],
    "known_migrations": ["shop.0001_initial", "shop.0002_more"],
    "health_host": "shop.example.com",
    "static_files": 3,
}


def read(found, token=TOKEN):
    return report.read("printed before\n" + json.dumps(found), token)


def test_deep_static_files_are_counted(deep):
    with pytest.raises(ReleaseError, match="but the release has 0"):
        read(WHOLE).check_static(deep)


def test_a_whole_report():
    found = read(WHOLE)
    assert found.has_phases_of("all")
    assert found == report.Report(
        phase="migrate",
        phases=dict.fromkeys(report.PHASES, 0.12),
        check=WHOLE["check"],
        migrations=WHOLE["migrations"],
        known_migrations=WHOLE["known_migrations"],
        health_host="shop.example.com",
        static_files=3,
    )
    assert not found.migrated


@pytest.mark.parametrize("missing", sorted(report.PHASES))
def test_a_report_without_a_phase_is_not_whole(missing):
    phases = {name: seconds for name, seconds in WHOLE["phases"].items() if name != missing}
    found = read(WHOLE | {"phases": phases, "phase": "check"})
    assert not found.has_phases_of("all")
    assert found.phases.keys() == phases.keys()
    assert found.migrated == (missing != "migrate")


BEFORE = WHOLE | {"phase": "plan", "phases": dict.fromkeys(sorted(report.PHASES - {"migrate"}), 0.125)}


def test_a_process_that_awaits_the_migration_is_continued():
    found = read(BEFORE)
    assert found.awaits_migration
    assert (found.has_phases_of("before"), found.has_phases_of("all")) == (True, False)
    last = read(
        {"token": TOKEN, "phase": "migrate", "phases": {"settings": 1, "plan": 1, "migrate": 2}, "migrations": []}
    )
    assert (last.has_phases_of("migrate"), last.has_phases_of("before")) == (True, False)
    whole = found.continued(last)
    assert whole.has_phases_of("all")
    assert (whole.phase, whole.migrations, whole.check, whole.static_files) == ("migrate", [], WHOLE["check"], 3)


@pytest.mark.parametrize("changes", [{"migrations": []}, {"is_new": True}, {"phases": WHOLE["phases"]}])
def test_no_other_report_awaits_a_migration(changes):
    assert not read(BEFORE | changes).awaits_migration


@pytest.mark.parametrize(
    "forged",
    [
        {**WHOLE, "token": "another"},
        {**WHOLE, "token": ""},
        {**WHOLE, "token": None},
        {**WHOLE, "token": [TOKEN]},
        {name: value for name, value in WHOLE.items() if name != "token"},
        [WHOLE],
        TOKEN,
        None,
        7,
    ],
)
def test_a_report_without_the_token_is_ignored(forged):
    assert read(forged) == report.Report()


def test_only_the_last_line_counts():
    assert report.read(json.dumps(WHOLE) + "\nsomething after it", TOKEN) == report.Report()
    assert report.read(json.dumps(WHOLE | {"token": "x"}) + "\n" + json.dumps(WHOLE) + "\n", TOKEN).has_phases_of("all")


@pytest.mark.parametrize("length", [0, 1, 20, -1])
def test_a_truncated_report_is_ignored(length):
    assert report.read(json.dumps(WHOLE)[:length], TOKEN) == report.Report()


NOT_PHASES = [None, [], 7, "check", {"check": None}, {"check": "long"}, {"check": []}, {"shell": 1}, {"": 1}]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"phases": phases} for phases in NOT_PHASES),
        *({"phase": phase} for phase in (None, [], {}, 7, "prepare", "check\x1b[2J")),
        *({"migrations": names} for names in (None, 7, "shop.0001", [None], [[]], ["0001"], ["shop.00 01"])),
        *({"known_migrations": names} for names in ({"shop": 1}, ["a" * 101 + ".0001"], ["shop." + "1" * 256])),
        *(
            {"health_host": host}
            for host in (None, [], "", "a b", "a\r\nX-Evil: 1", "a" * 254, "a/../b", "example.com\n")
        ),
        *({"static_files": number} for number in (None, "many", [], {})),
    ],
    ids=repr,
)
def test_reports_with_wrong_types_are_ignored(wrong):
    assert read(WHOLE | wrong) == report.Report()


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-Infinity", "-1", "1e7", "1e999", "9" * 400, "9" * 5000])
def test_reports_with_invalid_durations_are_ignored(seconds):
    text = json.dumps(WHOLE | {"phases": {"check": "SECONDS"}}).replace('"SECONDS"', seconds)
    assert report.read(text, TOKEN) == report.Report()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "9" * 5000])
def test_reports_with_invalid_counts_are_ignored(number):
    text = json.dumps(WHOLE | {"static_files": "NUMBER"}).replace('"NUMBER"', number)
    assert report.read(text, TOKEN) == report.Report()


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x00", "\ud800", "\u202e", "\x7f", "\n"])
def test_control_characters_of_a_report_are_escaped(sign):
    assert read(WHOLE | {"migrations": [f"shop.0001{sign}"]}) == report.Report()
    assert read(WHOLE | {"known_migrations": [f"shop.0001 (database a{sign})"]}) == report.Report()
    said = read(WHOLE | {"check": f"a warning{sign}, again"}).check
    assert all(line.isprintable() for line in said.splitlines())
    assert said.encode()


def test_a_long_check_is_truncated():
    assert len(read(WHOLE | {"check": "x" * 1_000_000}).check) == report.MAX_CHECK_CHARACTERS


@pytest.mark.parametrize("brackets", ["[" * 200_000, '{"a":' * 200_000, "[" * 500 + "]" * 500])
def test_deep_json(brackets):
    assert report.read(brackets, TOKEN) == report.Report()


def test_a_process_without_a_report_is_explained():
    empty = report.Report()
    assert (empty.phase, empty.has_phases_of("all"), empty.migrated) == ("prepare", False, False)
    assert empty.explain(3, "") == "the process ended with exit code 3"
    assert empty.explain(1, "Traceback") == "Traceback"
    assert "os._exit()" in empty.explain(0, "") and empty.explain(0, "Traceback").endswith("\nTraceback")


def test_static_files_are_counted_on_the_disk(tmp_path):
    (tmp_path / "css").mkdir()
    for name in ("a.js", "css/b.css", "css/c.css"):
        (tmp_path / name).touch()
    read(WHOLE).check_static(str(tmp_path))
    (tmp_path / "css" / "b.css").unlink()
    with pytest.raises(
        ReleaseError, match=r"'collectstatic': the process reported 3 static files, but the release has 2"
    ):
        read(WHOLE).check_static(str(tmp_path))

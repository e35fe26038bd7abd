"""Which snapshot a restore takes."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import choice
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError


def snapshot(identifier, time, host="web1"):
    return {"id": identifier * 8, "time": f"2026-11-{time}:00.123456789+01:00", "hostname": host}


OLD, MIDDLE, NEW = snapshot("aaaaaaaa", "24T03:30"), snapshot("bbbbbbbb", "25T03:30"), snapshot("cccccccc", "26T03:30")
ALL = [OLD, MIDDLE, NEW]


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("newest", NEW),
        ("bbbbbbbb", MIDDLE),
        ("2026-11-26 02:30", NEW),  # UTC
        ("2026-11-26 02:29", MIDDLE),
        ("2026-11-26T02:29:59Z", MIDDLE),
        ("2026-11-24", OLD),
    ],
)
def test_the_snapshot_of(at, found):
    assert choice.choose(ALL, at, "web1") is found


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("yesterday", "is neither 'newest' nor a snapshot"),
        ("2026-13-26", "is not a time"),
        ("2026-11-23", "no snapshot of 2026-11-23 UTC or before. Snapshots .*cccccccc of 2026-11-26 02:30:00"),
        ("dddddddd", "there is no snapshot 'dddddddd'"),
    ],
)
def test_what_is_refused(at, said):
    with pytest.raises(BackupError, match=said):
        choice.choose(ALL, at, "web1")


def test_a_new_host_takes_the_backups_of_the_only_other_one():
    assert choice.choose(ALL, "newest", "web9") is NEW


def test_a_host_prefers_its_own():
    assert choice.choose([*ALL, snapshot("dddddddd", "27T03:30", "web2")], "newest", "web1") is NEW


def test_live_data_are_not_replaced_by_the_older_of_two_hosts():
    both = [*ALL, snapshot("dddddddd", "27T03:30", "web2")]
    with pytest.raises(BackupError, match=r"of web1 is cccccccc .* web2 has made dddddddd .*-e at=<snapshot>"):
        choice.choose_to_replace(both, "newest", "web1")
    assert choice.choose_to_replace(both, "newest", "web2")["id"].startswith("dddddddd")
    assert choice.choose_to_replace(both, str(NEW["id"])[:8], "web1") is NEW


def test_a_new_host_does_not_guess_between_two():
    with pytest.raises(BackupError, match="of the hosts web1, web2, and this is none of them"):
        choice.choose([*ALL, snapshot("dddddddd", "27T03:30", "web2")], "newest", "web9")


def test_no_backup():
    with pytest.raises(BackupError, match="there is no backup"):
        choice.choose([], "newest", "web1")


class Repository:
    def __init__(self, text):
        self.text = text

    def call(self, *_words):
        return self.text


@pytest.mark.parametrize("text", ["", "[]", "null", json.dumps({"app": "shop"})])
def test_a_snapshot_that_is_no_backup_of_the_app(text):
    with pytest.raises(BackupError):
        choice.manifest(Repository(text), NEW, "shop")


def test_the_backup_of_another_app():
    given = dict.fromkeys(choice.MANIFEST_KEYS, "") | {"app": "blog"}
    with pytest.raises(BackupError, match="is not a backup of shop"):
        choice.manifest(Repository(json.dumps(given)), NEW, "shop")

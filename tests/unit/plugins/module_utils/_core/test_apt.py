"""Packages are installed with lists that are new enough."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import apt

PROXY = {"https_proxy": "http://proxy:3128"}
NOW = 1_000_000.0
GONE = "E: Failed to fetch http://deb.debian.org/x.deb  404  Not Found"


class Host:
    """Stands for apt-get: answers are exit code and error by subcommand, the last one again and again."""

    def __init__(self):
        self.calls, self.answers = [], {"update": [(0, "")], "install": [(0, "")]}

    def run(self, argv, environ_update=None):
        self.calls.append(argv[1])
        assert environ_update["https_proxy"] == PROXY["https_proxy"]
        assert environ_update["DEBIAN_FRONTEND"] == "noninteractive"
        prepared = self.answers[argv[1]]
        code, error = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        return code, "", error

    def install(self, max_age=3600):
        apt.install(self.run, ["libpq5"], PROXY, max_age, NOW)
        return self.calls


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """lists(age): package lists of that age in seconds."""
    monkeypatch.setattr(apt, "LISTS", str(tmp_path / "lists"))
    monkeypatch.setattr(apt, "STAMP", str(tmp_path / "stamp"))

    def lists(age):
        (tmp_path / "lists").mkdir()
        (tmp_path / "lists/deb.debian.org_dists_trixie_main_binary-amd64_Packages").touch()
        os.utime(tmp_path / "lists", (NOW - age, NOW - age))

    return lists


def test_new_lists_are_used(host, lists):
    lists(60)
    assert host.install() == ["install"]


def test_old_lists_are_updated_first(host, lists, tmp_path):
    lists(7200)
    assert host.install() == ["update", "install"]
    (tmp_path / "stamp").touch()
    os.utime(tmp_path / "stamp", (NOW, NOW))
    assert host.install()[2:] == ["install"]


def test_lists_of_the_future_are_updated_first(host, lists):
    """The clock was ahead at the last update: they may be of any age."""
    lists(-86400)
    assert host.install() == ["update", "install"]


def test_a_host_without_lists(host, lists, tmp_path):
    assert host.install() == ["update", "install"]
    (tmp_path / "lists").mkdir()
    assert host.install()[2:] == ["update", "install"]


def test_lists_that_the_mirror_has_outrun_are_updated(host, lists):
    lists(60)
    host.answers["install"] = [(100, GONE), (0, "")]
    assert host.install() == ["install", "update", "install"]


def test_the_words_of_apt(host, lists):
    lists(7200)
    host.answers = {"update": [(0, "W: Failed to fetch http://deb.debian.org")], "install": [(100, "E: no libpq5")]}
    with pytest.raises(apt.AptError, match=r"^W: Failed to fetch http://deb\.debian\.org\nE: no libpq5$"):
        host.install()
    assert host.calls == ["update", "install"]


def test_a_lock_of_another_update_is_waited_for(host, lists, monkeypatch):
    monkeypatch.setattr(apt.time, "sleep", lambda _seconds: None)
    host.answers["update"] = [(100, "E: Could not get lock /var/lib/apt/lists/lock"), (0, "")]
    lists(7200)
    assert host.install() == ["update", "update", "install"]

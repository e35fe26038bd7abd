"""Commands in remedies, with words that an app or an uploader chose."""

from __future__ import annotations

import os
import shlex

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands


@pytest.mark.parametrize("word", ["/a b /etc/shadow", "/x;touch pwned;y", "$(id)", "it's", "-rf"])
def test_a_command_keeps_its_words(word):
    shown = commands.command("tail", word)
    assert shlex.split(shown[1:-1]) == ["tail", word]


@pytest.mark.parametrize("word", ["a`; id; `", "a\nb", "\x1b[2J", "\udcff", "x" * 501])
def test_a_word_that_cannot_be_shown(word):
    assert commands.command("tail", word) == ""
    assert commands.named(word).isprintable()
    assert "`" not in commands.named(word)
    assert len(commands.named(word)) < 600


def test_a_file_that_only_root_can_replace(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "media/x").touch()
    assert commands.is_fixed(f"{tmp_path}/media/x")
    (tmp_path / "media").chmod(0o777)
    assert not commands.is_fixed(f"{tmp_path}/media/x")
    # As in /tmp.
    (tmp_path / "media").chmod(0o1777)
    assert commands.is_fixed(f"{tmp_path}/media/x")


def test_a_directory_of_another_user(tmp_path, monkeypatch):
    (tmp_path / "x").touch()
    found = os.stat(tmp_path)
    other = os.stat_result((found.st_mode & ~0o022, 1, 1, 1, 12345, 0, 0, 0, 0, 0))
    monkeypatch.setattr(commands.os, "stat", lambda _path: other)
    assert not commands.is_fixed(f"{tmp_path}/x")


@pytest.mark.parametrize(
    ("value", "plain"), [("/srv/a-b/x.y/", True), ("127.0.0.1:80", True), ("/a; }", False), ("/{{ x }}", False)]
)
def test_a_plain_value(value, plain):
    assert commands.is_plain(value) is plain

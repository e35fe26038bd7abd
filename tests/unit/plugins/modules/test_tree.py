"""Several directories and files with one call."""

from __future__ import annotations

import getpass
import grp
import json
import os
import stat

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.gatehouse.django.plugins.modules import tree

OWNER, GROUP = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def call(capsys):
    def run(*entries, check=False):
        own = [{"owner": OWNER, "group": GROUP, **entry} for entry in entries]
        with patch_module_args({"entries": own, "_ansible_check_mode": check, "_ansible_diff": True}):
            with pytest.raises(SystemExit):
                tree.main()
        return json.loads(capsys.readouterr().out)

    return run


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_check_run_check_run(call, tmp_path):
    entries = ({"path": str(tmp_path / "a")}, {"path": str(tmp_path / "a" / "b"), "content": "text\n", "mode": "0600"})
    assert call(*entries, check=True)["changed"]
    assert list(tmp_path.iterdir()) == []
    assert call(*entries)["changed_paths"] == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o755, 0o600)
    assert not call(*entries, check=True)["changed"]
    assert not call(*entries)["changed"]


def test_the_diff_shows_what_changes(call, tmp_path):
    (tmp_path / "b").write_text("old\n")
    entry = {"path": str(tmp_path / "b"), "content": "new\n"}
    shown = call(entry, check=True)["diff"]
    assert [(one["before"], one["after"]) for one in shown] == [("old\n", "new\n")]
    assert (tmp_path / "b").read_text() == "old\n"


def test_a_mode_alone_is_a_change(call, tmp_path):
    (tmp_path / "b").write_text("same")
    (tmp_path / "b").chmod(0o666)
    entry = {"path": str(tmp_path / "b"), "content": "same", "mode": "0640"}
    assert call(entry, check=True)["changed"]
    assert mode(tmp_path / "b") == 0o666
    assert call(entry)["changed_paths"] == [str(tmp_path / "b")]
    assert mode(tmp_path / "b") == 0o640


def test_an_owner_that_is_yet_to_be_made(call, tmp_path):
    assert call({"path": str(tmp_path / "a"), "owner": "nobody-yet", "group": "nobody-yet"}, check=True)["changed"]


def test_an_error_says_how_far_it_came(call, tmp_path):
    (tmp_path / "b").write_text("")
    told = call({"path": str(tmp_path / "a")}, {"path": str(tmp_path / "b" / "c")})
    assert told["failed"]
    assert told["msg"] == f"{tmp_path}/b/c: Not a directory. Made before it: {tmp_path}/a."

"""The switch: where nginx's old files go, and what an interrupted run has left."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import switch
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.retirement import Record


@pytest.fixture
def interrupted(tmp_path):
    """The record of a run that has moved nginx's file away, and no site is live."""
    enabled, replaced = tmp_path / "project", tmp_path / "gatehouse" / "replaced" / "shop" / "project"
    replaced.parent.mkdir(parents=True)
    replaced.symlink_to("/nowhere")
    return Record(["hand.test"], [], {str(enabled): str(replaced)}, "", ""), enabled, replaced


def test_files_go_where_nginx_includes_nothing(old_site, tmp_path):
    moves = switch.moves(str(tmp_path), "shop", old_site)
    assert moves == {f"{tmp_path}/sites-enabled/project": f"{tmp_path}/gatehouse/replaced/shop/project"}


def test_an_interrupted_run_is_undone(interrupted, tmp_path):
    record, enabled, replaced = interrupted
    commands = []
    switch.put_back(commands.append, str(tmp_path), record, ["shop"])
    assert os.path.lexists(enabled)
    assert not os.path.lexists(replaced)
    assert commands == [["systemctl", "reload", "nginx.service"]]


def test_a_takeover_that_is_live_is_not_undone(interrupted, tmp_path):
    record, enabled, _replaced = interrupted
    live = tmp_path / "gatehouse" / "live" / "sites"
    live.mkdir(parents=True)
    (live / "shop.conf").touch()
    switch.put_back(print, str(tmp_path), record, ["shop"])
    switch.put_back(print, str(tmp_path), None, ["shop"])
    assert not os.path.lexists(enabled)
    assert switch.is_live(str(tmp_path), ["shop"])
    assert not switch.is_live(str(tmp_path), ["blog"])

"""The files of the operator that a state of the host has elsewhere."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import host_state
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation


def test_a_link_moves_and_moves_back(tmp_path):
    enabled, replaced = tmp_path / "sites-enabled" / "project", tmp_path / "gatehouse" / "replaced" / "project"
    enabled.parent.mkdir()
    enabled.symlink_to("/etc/nginx/sites-available/project")
    (tmp_path / "nginx.conf").touch()
    (tmp_path / "gatehouse").mkdir()
    host = {"conf_path": str(tmp_path / "nginx.conf"), "conf_dir": str(tmp_path)}
    entries = {str(tmp_path / "nginx.conf"): ""}
    forward = {str(enabled): str(replaced)}
    after = host_state.HostState(Generation(), entries, moves=forward)
    for _again in range(2):
        host_state.switch(host, after)
        assert os.readlink(replaced) == "/etc/nginx/sites-available/project"
        assert not os.path.lexists(enabled)
    before = host_state.HostState(Generation(), entries, moves={new: path for path, new in forward.items()})
    host_state.switch(host, before)
    assert os.readlink(enabled) == "/etc/nginx/sites-available/project"
    assert not os.path.lexists(replaced)

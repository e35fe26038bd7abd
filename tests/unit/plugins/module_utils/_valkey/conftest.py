"""A host of which only the directories of instances are there, below a temporary directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import access, host

CACHE = {"name": "shop-cache", "kind": "cache", "group": "root", "memory": "64M", "state": "present", "remote": None}
BROKER = {**CACHE, "name": "shop-broker", "kind": "broker"}

# The access of an app on another host.
REMOTE = {
    **{"app": "shop", "host": "web1", "address": "192.0.2.1", "hosts": ["web1", "web2"]},
    **{"known": [], "proposed": ["new"], "seen": ""},
}


class Host:
    """Answers of systemd by unit, and the commands that were run."""

    def __init__(self, root: Path) -> None:
        self.root, self.commands, self.states, self.failing = root, [], {}, ""

    def run(self, argv, **_options):
        self.commands.append(" ".join(argv))
        if "set-property" in argv:
            self.write(f"{access.CONTROL_DIRECTORY}/{argv[3]}.d/50-IPAddressAllow.conf", "")
        if argv[:2] == ["systemctl", "show"]:
            units = [one for one in argv[2:] if one.endswith(".service")]
            return 0, "\n\n".join(f"Id={unit}\n{self.states.get(unit, 'ActiveState=inactive')}" for unit in units), ""
        return (1, "", "Job failed.") if self.failing and self.failing in self.commands[-1] else (0, "", "")

    def changing(self):
        return [one for one in self.commands if not one.startswith(("systemctl show", "journalctl"))]

    def install(self, engine):
        self.write(f"{valkey.PACKAGED_UNIT_DIRECTORIES[0]}/{engine}-server@.service", "")

    def write(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(text)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(valkey, "UNIT_DIRECTORY", f"{tmp_path}/etc/systemd/system")
    monkeypatch.setattr(host, "UNIT_DIRECTORY", f"{tmp_path}/etc/systemd/system")
    monkeypatch.setattr(valkey, "PACKAGED_UNIT_DIRECTORIES", (f"{tmp_path}/usr/lib/systemd/system",))
    monkeypatch.setattr(valkey, "VALKEY_DIRECTORY", f"{tmp_path}/etc/gatehouse/valkey")
    monkeypatch.setattr(access, "VALKEY_DIRECTORY", f"{tmp_path}/etc/gatehouse/valkey")
    monkeypatch.setattr(access, "CONTROL_DIRECTORY", f"{tmp_path}/run/systemd/system.control")
    monkeypatch.setattr(access.authority, "CERTIFICATE", tmp_path / "server.crt")
    monkeypatch.setattr(valkey, "RUN_DIRECTORY", f"{tmp_path}/run")
    monkeypatch.setattr(valkey, "STATE_DIRECTORY", f"{tmp_path}/var/lib")
    return Host(tmp_path)

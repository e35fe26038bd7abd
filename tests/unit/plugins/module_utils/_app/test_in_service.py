"""What counts as in service."""

import json
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._app import in_service
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units

RECORD = {
    "units": {},
    "migrations": [],
    "known_migrations": [],
    "check": "",
    "health": {"host": "", "path": "/", "status": [], "timeout": 1},
}


def test_a_release_is_not_in_service_while_a_drained_host_runs_processes(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    release = Path(app.release("old"))
    release.mkdir(parents=True)
    (release / "release.json").write_text(json.dumps(RECORD))
    Path(app.link).symlink_to("releases/old")
    (tmp_path / "units").mkdir()
    units = Units(Tools(lambda argv, **_options: (0, "", ""), {}), app, str(tmp_path / "units"))
    monkeypatch.setattr(units, "show", lambda _unit: {"ActiveState": "active", "UnitFileState": "enabled"})
    assert in_service.in_service(units, "old")
    monkeypatch.setattr(in_service.stop_units, "running", lambda _units, _files: ["shop-worker.service"])
    assert in_service.in_service(units, "old")
    units.is_drained = True
    assert not in_service.in_service(units, "old")


def test_only_other_releases_are_strays(tmp_path, monkeypatch):
    names = ["shop-web@old.socket", "shop-web@old.service", "shop-web@new.socket", "shop-web@new.service"]
    monkeypatch.setattr(in_service, "active_units", lambda _tools, _app: names)
    app = App("shop", str(tmp_path))
    calls = []
    tools = Tools(lambda argv, **_options: (calls.append(argv), (0, "", ""))[1], {})
    assert in_service.stray_units(tools, app, "new") == names[:2]
    in_service.retire(tools, app, "new")
    assert calls == [["timeout", "2.0", "systemctl", "stop", *names[:2]]]

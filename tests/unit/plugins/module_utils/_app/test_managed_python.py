"""Interpreters of uv: installed as a whole or not at all, and removed when no release needs them."""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import managed_python as module
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

OWNER = 4_242_001  # a user that this machine does not have
OF_UV = Interpreter("3.12.4", key="3.12.4-uv-1.2")
OF_LIST = Interpreter("3.12.4", key="3.12.4-0123456789ab", entry={"url": "https://u:s3cr3t@x/a.tar.gz", "sha256": "0"})


class Host:
    """Stands for systemd-run: does what uv does in the unit."""

    def __init__(self):
        self.calls, self.answer, self.partial = [], (0, "3.12.4\n", ""), False
        self.environment, self.listed, self.modes = "", None, []

    def __call__(self, argv, **_options):
        self.calls.append(argv)
        if argv[0] != "systemd-run":
            return 0, "", ""
        properties = dict(word.removeprefix("--property=").split("=", 1) for word in argv if "--property=" in word)
        inner, _colon, _home = properties["BindPaths"].partition(":")
        file = properties["EnvironmentFile"]
        self.environment = Path(file).read_text()
        self.modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (file, os.path.dirname(file))]
        downloads = Path(inner, "downloads.json")
        self.listed = json.loads(downloads.read_text()) if downloads.exists() else None
        key = os.path.basename(re.search(r'UV_PYTHON_INSTALL_DIR="([^"]*)"', self.environment)[1])
        home = Path(inner, key, "cpython-3.12.4-linux-x86_64-gnu")
        (home / "bin").mkdir(parents=True)
        (home / "bin/python3.12").write_text("")
        for path in (home.parent, home, home / "bin", home / "bin/python3.12"):
            os.chown(path, OWNER, OWNER)
            path.chmod(0o777)
        return self.answer


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(module, "locked", nullcontext)
    return Host()


@pytest.fixture
def pythons(host, tmp_path):
    return module.ManagedPythons(Tools(host, {}), str(tmp_path / "opt"))


def ensure(pythons, interpreter=OF_UV, environment=None, mirror=""):
    return pythons.ensure(interpreter, "/uv", environment or {}, mirror)


def test_an_interpreter_is_installed_once_and_belongs_to_root(pythons, host, tmp_path):
    assert pythons.needs(OF_UV)
    path = ensure(pythons)
    assert path == f"{tmp_path}/opt/python/3.12.4-uv-1.2/cpython-3.12.4-linux-x86_64-gnu/bin/python3.12"
    assert not pythons.needs(OF_UV)
    for one in (Path(path), *Path(path).parents[:4]):
        assert (one.stat().st_uid, stat.S_IMODE(one.stat().st_mode)) == (0, 0o755), one
    assert host.modes == [0o600, 0o700]
    assert not os.path.exists(pythons.staging)
    host.calls.clear()
    assert ensure(pythons) == path
    assert host.calls == []


def test_an_interpreter_of_the_host_is_never_installed(pythons):
    assert not pythons.needs(Interpreter("3.13.5", "/usr/bin/python3"))


def test_uv_runs_as_a_user_of_its_own_with_few_variables(pythons, host):
    given = {"HTTPS_PROXY": "http://proxy", "SSL_CERT_FILE": "/ca", "UV_HTTP_TIMEOUT": "9", "UV_DEFAULT_INDEX": "x"}
    ensure(pythons, environment={**given, "LD_PRELOAD": "/evil.so", "PIP_INDEX_URL": "x"}, mirror="https://m:pw@x")
    (run,) = (call for call in host.calls if call[0] == "systemd-run")
    assert "--property=DynamicUser=yes" in run
    assert run[-2:] == ["/uv", "3.12.4"]
    names = {line.partition("=")[0] for line in host.environment.splitlines()}
    assert {"HTTPS_PROXY", "SSL_CERT_FILE", "UV_HTTP_TIMEOUT", "UV_PYTHON_INSTALL_MIRROR"} < names
    assert names.isdisjoint({"LD_PRELOAD", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"})
    assert "https://m:pw@x" in host.environment
    assert "pw" not in "".join(word for call in host.calls for word in call)


def test_uv_gets_only_the_chosen_download(pythons, host):
    ensure(pythons, OF_LIST, mirror="https://never")
    assert host.listed == {OF_LIST.key: OF_LIST.entry}
    assert f'UV_PYTHON_DOWNLOADS_JSON_URL="{pythons.home}/downloads.json"' in host.environment
    assert "UV_PYTHON_INSTALL_MIRROR" not in host.environment


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (1, "", "error: Hash mismatch"),
            "from https://x/a.tar.gz cannot be installed: uv failed:\nerror: Hash mismatch",
        ),
        ((0, "3.12.3\n", ""), "its download is Python 3.12.3"),
    ],
)
def test_a_failed_installation_leaves_nothing(pythons, host, answer, words):
    host.answer = answer
    with pytest.raises(ReleaseError) as refused:
        ensure(pythons, OF_LIST)
    assert words in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    assert os.listdir(pythons.home) == []
    assert not os.path.exists(pythons.staging)


def test_each_failure_has_its_remedy(pythons, host):
    host.answer = (1, "", "no")
    with pytest.raises(ReleaseError, match="needs python_downloads, the address of a mirror or of a list"):
        ensure(pythons)
    with pytest.raises(ReleaseError, match="Check that python_downloads is the address of a mirror"):
        ensure(pythons, mirror="https://m")
    with pytest.raises(ReleaseError, match="Correct the url or the sha256"):
        ensure(pythons, OF_LIST)


def test_a_partial_installation_of_a_killed_run_is_removed(pythons, host):
    os.makedirs(os.path.join(pythons.staging, "tree", "3.12.4-uv-1.2", "cpython-old", "bin"))
    path = ensure(pythons)
    assert host.calls[0] == ["systemctl", "stop", "gatehouse-python.service"]
    assert "cpython-old" not in path


def test_interpreters_stay_as_long_as_a_release_of_any_app_needs_them(pythons, tmp_path):
    ensure(pythons)
    ensure(pythons, OF_LIST)
    apps = tmp_path / "srv"
    for release, interpreter in (("shop/releases/a", OF_UV), ("blog/failed/b", OF_LIST)):
        (apps / release).mkdir(parents=True)
        pythons.reserve(interpreter, str(apps / release))
    pythons.prune(str(apps))
    assert sorted(os.listdir(pythons.home)) == [OF_LIST.key, OF_UV.key]
    (apps / "blog/failed/b/python").unlink()
    pythons.prune(str(apps))
    assert os.listdir(pythons.home) == [OF_UV.key]
    (apps / "shop/releases/a/python").unlink()
    pythons.prune(str(apps))
    assert os.listdir(pythons.home) == []
    assert not os.path.exists(pythons.staging)


def test_a_host_without_interpreters_of_uv(pythons, host, tmp_path):
    pythons.prune(str(tmp_path))
    assert host.calls == []

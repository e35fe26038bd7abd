# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a release: all of it in its own directory, which is put aside when a phase fails."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import stat
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils import (
    _app_bytecode,
    _app_environment,
    _app_source,
    _app_venv,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools, tail
from ansible_collections.gatehouse.django.plugins.module_utils._app_store import put_aside

UV_DIRECTORY = "/opt/gatehouse"


class Build:
    """One candidate release of an app."""

    def __init__(
        self, tools: Tools, app: App, identifier: str, params: Mapping[str, Any], private: Mapping[str, Any]
    ) -> None:
        self.tools, self.app, self.id = tools, app, identifier
        self.params, self.private = params, private
        self.path = app.release(identifier)
        self.source = os.path.join(self.path, "src")
        self.project = os.path.normpath(os.path.join(self.source, params["source"].get("subdirectory") or ""))
        self.static = os.path.join(self.path, "static")

    def run(self, python: str, fetch: _app_source.Fetch) -> dict[str, Any]:
        """Build it. The result is what `release.json` tells of it."""
        for name in os.listdir(self.app.releases):
            if not self.app.is_complete(name):
                shutil.rmtree(self.app.release(name), ignore_errors=True)
        os.mkdir(self.path)
        try:
            with self.tools.phase("source"):
                self._fetch(fetch)
            with self.tools.phase("dependencies"):
                self._install(python)
            with self.tools.phase("files"):
                self._write_files()
            report = self._prepare()
            with self.tools.phase("finish"):
                return self._finish(report)
        except (ReleaseError, OSError) as error:
            raise ReleaseError(f"{error}\n{put_aside(self.app, self.id)}".rstrip()) from error

    def _fetch(self, fetch: _app_source.Fetch) -> None:
        source, archive = self.params["source"], os.path.join(self.path, "archive")
        os.mkdir(self.source)
        if source.get("git"):
            commit, authorization = self.params["revision"], self.private["authorization"]
            _app_source.git_checkout(self.tools, source, commit, authorization, self.source)
        elif self.params.get("upload"):
            _app_source.unpack(self.tools, self.params["upload"], self.source)
        elif source.get("archive"):
            _app_source.download(fetch, source["archive"], source["checksum"], archive)
            _app_source.unpack(self.tools, archive, self.source)
            os.remove(archive)
        if source.get("archive"):
            _app_source.unwrap(self.source)
        if not os.path.isdir(self.project):
            raise ReleaseError(f"source: there is no subdirectory '{source['subdirectory']}' in it")
        _app_source.add_files(self.source, self.project, self.private["project_files"])
        os.symlink(os.path.relpath(self.project, self.path), os.path.join(self.path, "project"))

    def _install(self, python: str) -> None:
        params, source = self.params, self.params["source"]
        uv = _app_venv.install_uv(self.tools, python, UV_DIRECTORY, params["uv"])
        wanted = [*([source["pypi"]] if source.get("pypi") else []), *params["requirements"]]
        _app_venv.make_venv(self.tools, uv, python, self.path, self.project, wanted, params["server"])
        _app_source.forget_history(self.source)
        served = self.app.current()
        _app_bytecode.compile_all(self.tools, self.path, self.app.release(served) if served else "")
        _app_source.protect(self.source, self._group())

    def _write_files(self) -> None:
        own = os.path.join(self.path, "gatehouse")
        os.mkdir(own)
        for name, content in self.params["files"].items():
            with open(os.path.join(own, name), "w", encoding="utf-8") as file:
                file.write(content)
        environment: dict[str, str] = dict(self.private["environment"])
        search = [os.path.join(self.path, "project"), own, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = ":".join(path for path in search if path)
        environment["GATEHOUSE_RELEASE"] = self.id
        path = os.path.join(self.path, "env")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
            os.fchown(file.fileno(), 0, self._group())
            file.write(_app_environment.render(environment))

    def _prepare(self) -> dict[str, Any]:
        os.mkdir(self.static)
        os.chown(self.static, pwd.getpwnam(self.app.name).pw_uid, self._group())
        argv = [
            os.path.join(self.path, "venv", "bin", "python"),
            os.path.join(self.path, "gatehouse", "gatehouse_prepare.py"),
        ]
        databases, timeout = ",".join(self.params["migrate_databases"]), str(self.params["health"]["timeout"])
        arguments = [self.params["check_deploy"], self.params["application"], self.static, databases, timeout]
        code, out, err = self.tools.attempt([*self._sandboxed(), *argv, *arguments])
        try:
            report: dict[str, Any] = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            report = {"phase": "prepare", "phases": {}}
        self.tools.phases.update(report["phases"])
        if code != 0:
            migrated = "migrate" in report["phases"] and report["phase"] != "migrate"
            with self.tools.phase(report["phase"]):
                said = tail(err) or f"the process ended with {code}"
                raise ReleaseError(f"{said}\nIts migrations are applied." if migrated else said)
        return report

    def _sandboxed(self) -> list[str]:
        properties = [
            *self.params["sandbox"],
            f"EnvironmentFile={self.path}/env",
            f"WorkingDirectory={self.path}/project",
            f"ReadWritePaths={self.static}",
        ]
        run = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={self.app.name}-prepare"]
        return [*run, *(f"--property={one}" for one in properties), "--"]

    def _finish(self, report: Mapping[str, Any]) -> dict[str, Any]:
        give_to_root(self.static)
        health = self.params["health"]
        release = {
            "id": self.id,
            "revision": self.params["revision"],
            "built": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "phases": self.tools.phases,
            "check": report["check"],
            "migrations": report["migrations"],
            "known_migrations": report["known_migrations"],
            "health": health | {"host": health["host"] or report["health_host"]},
            "units": self.params["units"],
        }
        with open(os.path.join(self.path, "release.json"), "w", encoding="utf-8") as file:
            json.dump(release, file, indent=2)
        # After a power cut a mark without the files it vouches for would be a lie. Only this file system counts.
        self.tools.run(["sync", "--file-system", self.path])
        with open(os.path.join(self.path, ".complete"), "w", encoding="utf-8"):
            pass
        return release

    def _group(self) -> int:
        return grp.getgrnam(self.app.name).gr_gid


def give_to_root(directory: str) -> None:
    """Take from the app what it has written, for nginx to read: from the top, so that nothing changes under way."""
    os.lchown(directory, 0, 0)
    for path, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            entry = os.path.join(path, name)
            os.lchown(entry, 0, 0)
            mode = os.lstat(entry).st_mode
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                os.chmod(entry, 0o755 if stat.S_ISDIR(mode) else 0o644)

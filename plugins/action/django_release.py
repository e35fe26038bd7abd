# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of django_release: names the release, packs the source, and keeps secrets out of sight."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    ARGUMENT_SPEC,
    CONFIDENTIAL,
    INTERNAL,
    NO_INPUT,
    REQUIRED_IF,
    VENV_INPUT,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.digest import digest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import (
    is_url,
    pack,
    revision,
    split_credentials,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain


class ActionModule(ActionBase):  # type: ignore[misc]
    """What only the controller knows goes to the host with one call, and one archive if there is one to send."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check, name the release, send its source, and run the module."""
        super().run(tmp, task_vars)
        params = self._checked(plain(self._task.args))
        if params["state"] == "absent":
            args = {key: params[key] for key in ("app", "state", "remove_data")}
            return dict(self._execute_module(module_args=args, task_vars=task_vars))
        source, authorization = params["source"], ""
        for kind in ("git", "archive"):
            if source.get(kind):
                source[kind], authorization = split_credentials(source[kind])
        # Where the source came from does not matter, as long as it is the same: the revision tells.
        inputs = {key: value for key, value in params.items() if key not in NO_INPUT}
        params |= {
            "revision": revision(source),
            "digest": digest(params["app"], [source.get("subdirectory"), inputs]),
            "venv_digest": digest(params["app"], [source.get("pypi"), *(params[name] for name in VENV_INPUT)]),
            "private": private(params, authorization),
        }
        # The module gets them in 'private', and hides all of that.
        for secret in ("deploy_key", "known_hosts"):
            source.pop(secret, None)
        sent = {key: value for key, value in params.items() if key not in CONFIDENTIAL}
        try:
            if not self._task.check_mode:
                sent["upload"] = self._upload(source)
            result = dict(self._execute_module(module_args=sent, task_vars=task_vars))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if not result.get("failed"):
            check_python(source, str(result["python_version"]))
        return result

    def _upload(self, source: dict[str, Any]) -> str | None:
        """Path on the host of the source as one file; nothing where the host gets it by itself."""
        local = source.get("archive") or ""
        if not source.get("directory") and (not local or is_url(local)):
            return None
        target: str = self._connection._shell.join_path(self._make_tmp_path(), "source")
        with tempfile.TemporaryDirectory() as directory:
            if source.get("directory"):
                local = os.path.join(directory, "source")
                pack(source["directory"], local, source.get("subdirectory") or "")
            self._transfer_file(local, target)
        return target

    def _checked(self, args: dict[str, Any]) -> dict[str, Any]:
        result = ArgumentSpecValidator(ARGUMENT_SPEC, required_if=REQUIRED_IF).validate(args)
        if result.error_messages or any(args.get(name) is not None for name in INTERNAL):
            reasons = result.error_messages or [f"{', '.join(INTERNAL)} are set by the collection itself: remove them"]
            raise AnsibleActionFail("django_release: " + "; ".join(reasons))
        params: dict[str, Any] = result.validated_parameters
        for kind in ("directory", "archive"):
            path = (params["source"] or {}).get(kind)
            if path and not is_url(path):
                params["source"][kind] = os.path.abspath(self._loader.path_dwim(path))
        return params


def private(params: dict[str, Any], authorization: str) -> str:
    """What the host must have and nobody may see, as one text, so that hiding it hides nothing else."""
    hidden = [str(value) for value in params["secrets"].values() if len(str(value)) > 3]
    hidden += [value for value in params["settings"].values() if isinstance(value, str) and len(value) > 7]
    # A traceback shows single lines of them.
    lines = [line.strip() for text in params["project_files"].values() for line in text.splitlines()]
    hidden += [line for line in lines if len(line) > 7]
    environment = {**params["environment"], **params["secrets"]}
    key = params["source"].get("deploy_key") or ""
    return json.dumps(
        {
            "environment": {
                **{name: str(value) for name, value in environment.items()},
                "GATEHOUSE_SETTINGS_MODULE": params["settings_module"],
                "GATEHOUSE_SETTINGS": json.dumps(params["settings"]),
            },
            "project_files": params["project_files"],
            "build_environment": {name: str(value) for name, value in params["build_environment"].items()},
            "authorization": authorization,
            "deploy_key": key,
            "known_hosts": params["source"].get("known_hosts") or "",
            "hidden": [*hidden, authorization, *(line for line in key.splitlines() if len(line) > 7)],
        }
    )


def check_python(source: dict[str, Any], version: str) -> None:
    """Refuse an interpreter that the project itself excludes, before anything is made on the host."""
    # ansible-core brings it, but ansible-test imports plugins without ansible-core's own dependencies.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    path = os.path.join(source.get("directory") or "", source.get("subdirectory") or "", "pyproject.toml")
    if not source.get("directory") or not os.path.exists(path):
        return
    try:
        with open(path, "rb") as file:
            wanted = str(tomllib.load(file).get("project", {}).get("requires-python", ""))
        if SpecifierSet(wanted).contains(version, prereleases=True):
            return
    except (tomllib.TOMLDecodeError, InvalidSpecifier) as error:
        raise AnsibleActionFail(f"source: '{path}' is not valid: {error}") from error
    raise AnsibleActionFail(
        f"python: the project needs Python {wanted} (requires-python in '{path}'), the host's is {version}. "
        "Name another interpreter of the host in the option python, or use a newer distribution. Nothing was changed."
    )

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller half of django_release: validate the options, render the units, and run the module."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Options, Source
from ansible_collections.gatehouse.django.plugins.module_utils._app.project_python import Requirement
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    APP_OPTIONS,
    ARGUMENT_SPEC,
    CHECK_OPTIONS,
    INTERNAL,
    REQUIRED_IF,
    SENT,
    SOURCE_KINDS,
    STEPS,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import database_options, remote_services
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.dependency_options import check_directory
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.options import problems
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.plan import (
    SOURCE_PACKAGES,
    application,
    plan,
    private,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.project_files import required_pythons
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.python_options import is_address
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.rehearse_options import normal
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_urls import check_services, urls
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.requires_python import check_python, explain
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import (
    files,
    is_url,
    pack,
    split_access,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source_files import describe_large
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.valkey_options import instances, remote_instances
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.watch import Watch
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.hosts import hosts_of
from ansible_collections.gatehouse.django.plugins.plugin_utils._killed import OF_APP, explain_kill

Result = dict[str, Any]
LATER_STEPS = STEPS[1:]
# What the result of the last step has of those before it.
CARRIED = (
    *("diff", "missing_packages", "phases", "rehearsal", "snapshot", "way_back", "python_version", "cpus"),
    *("database", "valkey_instances", "services", "hosts"),
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Validates the options, inspects the host, and then deploys if necessary."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Result:
        """Check the options, plan the release, and run the module."""
        super().run(tmp, task_vars)
        try:
            params = self._checked(plain(self._task.args))
            self._watch = Watch(
                self._connection, params["app"], str((task_vars or {}).get("inventory_hostname", "host"))
            )
            checked = {"changed": False, "app": params["app"], "step": params["step"]}
            members = hosts_of(params, (task_vars or {}).get("groups", {}), f"App '{params['app']}'")
            if len(members or []) > 1:
                check_services(params)
            if params["state"] == "absent" and params["step"] == CHECK_OPTIONS:
                return checked
            if params["state"] == "absent":
                given = {key: params.get(key) for key in ("app", "state", "remove_data", "confirm")}
                return self._module(given | {"run": self._watch.run}, task_vars)
            services = remote_services.services(params, task_vars or {})
            params["secrets"] = {**params["secrets"], **urls(params, services)}
            check_directory(params)
            params["source"], access = split_access(params["source"])
            if params["step"] == CHECK_OPTIONS:
                return checked
            args: dict[str, Any] = {name: params.get(name) for name in SENT} | {"run": self._watch.run}
            args |= {"plan": plan(params), "private": private(params, access)}
            if params["step"] in LATER_STEPS:
                return self._continue(args, task_vars)
            result = self._deploy(args, required_pythons(params), params["proxy"], task_vars)
            if params["database"] and "cpus" in result:
                hosts = 1 + len(services["database"]["others"]) if "database" in services else 1
                result["database"] = database_options.database(params, result["cpus"], hosts)
            for kind, instance in remote_instances(params).items():
                services[kind]["instance"] = instance
            result |= {"valkey_instances": instances(params), "services": services}
            if "candidate" in result:
                result["candidate"]["results"] = {key: result[key] for key in CARRIED if key in result}
            return {**result, "app": params["app"], "step": params["step"], "hosts": members or []}
        except ValueError as error:
            return {"failed": True, "msg": str(error)}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _deploy(
        self,
        args: dict[str, Any],
        required: list[Requirement],
        proxy: Mapping[str, str | None] | None,
        task_vars: dict[str, Any] | None,
    ) -> Result:
        """Inspect the host; if necessary, install packages and put the release into service.

        *required* are the versions of Python that the source requires, as far as the controller has it.
        """
        args["upload"] = self._download_target(args["source"])
        found = self._look(args, task_vars)
        needed = SOURCE_PACKAGES[next(kind for kind in SOURCE_KINDS if args["source"].get(kind))]
        early = [name for name in found.get("missing_packages", ()) if name in needed]
        if early and not self._task.check_mode:
            # The host looks at the project before it installs anything else.
            installed = self._install(args["app"], early, proxy, task_vars)
            if installed.get("failed"):
                return installed
            before, found = found, self._look(args, task_vars)
            found |= {name: before[name] for name in ("missing_packages", "diff") if not found.get("failed")}
        if found.get("failed"):
            return found
        required += found.pop("required_pythons", [])
        is_installed = early and not self._task.check_mode
        state = f"except that packages were installed: {', '.join(early)}." if is_installed else ""
        check_python(args["app"], required, str(found["python_version"]), state)
        if self._task.check_mode or not found["pending"]:
            return found
        missing = [name for name in found["missing_packages"] if name not in early]
        if missing:
            installed = self._install(args["app"], missing, proxy, task_vars)
            if installed.get("failed"):
                return installed
        # Deploy the commit that was inspected, even if the branch has moved since.
        args["plan"]["revision"] = found["revision"]
        with self._watch.step("upload"):
            upload = self._upload(args) or args["upload"]
        with self._watch.step("deploy"):
            done = self._module({**args, "upload": upload}, task_vars)
        if done.get("failed"):
            return explain(done, str(found["python_version"]))
        return {**done, "changed": True, **{key: found[key] for key in ("diff", "missing_packages")}}

    def _continue(self, args: dict[str, Any], task_vars: dict[str, Any] | None) -> Result:
        """Run a later step of a deployment to several hosts; return its result with those of the steps before it."""
        before = args["candidate"]
        args["plan"]["revision"] = before["revision"]
        with self._watch.step(args["step"]):
            done = self._module(args, task_vars)
        found = {"app": args["app"], "step": args["step"]}
        if done.get("failed"):
            # The role takes back what the module has not.
            return {**done, **found, "candidate": before}
        phases = {**before["results"].get("phases", {}), **done.get("phases", {})}
        # A snapshot is made in one of the steps, and its result stays.
        said = {key: value for key, value in done.items() if value or key not in before["results"]}
        result = {**before["results"], **said, "phases": phases, "changed": True}
        return {
            **result,
            **found,
            "candidate": {**before, "results": {key: result[key] for key in CARRIED if key in result}},
        }

    def _download_target(self, source: Source) -> str | None:
        """Return where the host downloads an archive, once for all calls of the module; None for other sources."""
        return self._temporary_file() if is_url(source.get("archive") or "") else None

    def _temporary_file(self) -> str:
        """Return a path on the host for the source. Its directory is removed when the task ends."""
        path: str = self._connection._shell.join_path(self._connection._shell.tmpdir, "source")
        return path

    def _look(self, args: dict[str, Any], task_vars: dict[str, Any] | None) -> Result:
        """Inspect the host."""
        with self._watch.step("look at the host"):
            return self._module({**args, "plan": {**args["plan"], "look_only": True}}, task_vars)

    def _install(
        self, app: str, packages: list[str], proxy: Mapping[str, str | None] | None, task_vars: dict[str, Any] | None
    ) -> Result:
        """Install packages of the distribution."""
        with self._watch.step(f"install {' '.join(packages)}"):
            given = {"name": packages, "proxy": proxy}
            installed = self._module(given, task_vars, "gatehouse.django.apt_packages")
        if installed.get("failed"):
            installed["msg"] = f"{app}: packages: {installed.get('msg')}"
        return installed

    def _module(
        self, args: dict[str, Any], task_vars: dict[str, Any] | None, name: str = "gatehouse.django.django_release"
    ) -> Result:
        return explain_kill(self._execute_module(module_name=name, module_args=args, task_vars=task_vars), OF_APP)

    def _upload(self, args: dict[str, Any]) -> str | None:
        """Upload the source as one file and return its path; None if the host fetches it."""
        source = args["source"]
        local = source.get("archive") or ""
        if not source.get("directory") and (not local or is_url(local)):
            return None
        target = self._temporary_file()
        with tempfile.TemporaryDirectory() as scratch:
            if source.get("directory"):
                local, names = os.path.join(scratch, "source"), files(source)
                pack(source["directory"], names, local, args["plan"]["revision"])
                if size := describe_large(source["directory"], names):
                    self._display.display(f"{args['app']}: {size}")
            self._transfer_file(local, target)
        return target

    def _checked(self, args: dict[str, Any]) -> Options:
        """Return the options with their defaults; raise ValueError with a message for each problem."""
        known = {**{name: spec["default"] for name, spec in ARGUMENT_SPEC.items() if "default" in spec}, **args}
        options = {name: known.get("app" if name == "name" else name) for name in APP_OPTIONS}
        entry = dict(args.get("entry") or {})
        if options["application"] == "":
            # An empty one in the entry is left out, too.
            entry.pop("application", None)
            options["application"] = application(str(options["settings_module"]), str(options["interface"]))
        found = problems(options, entry, self._loader.get_basedir())
        if found:
            lines = "\n".join(found)
            raise ValueError(f"Refused, nothing was changed. App '{options['name']}':\n{lines}")
        result = ArgumentSpecValidator(ARGUMENT_SPEC, required_if=REQUIRED_IF).validate(args)
        if result.error_messages or any(args.get(name) is not None for name in INTERNAL):
            reasons = result.error_messages or [f"{', '.join(INTERNAL)} are set by the action plugin: remove them"]
            raise ValueError("django_release: " + "; ".join(reasons))
        params: Options = result.validated_parameters
        params["application"] = str(options["application"] or "")
        params["environment"] = database_options.environment(params)
        params["rehearse"] = normal(params["rehearse"])
        source = params["source"] or {}
        if directory := source.get("directory"):
            source["directory"] = self._absolute(directory)
        if (archive := source.get("archive")) and not is_url(archive):
            source["archive"] = self._absolute(archive)
        if params["python_downloads"] and not is_address(params["python_downloads"]):
            params["python_downloads"] = self._absolute(params["python_downloads"])
        return params

    def _absolute(self, path: str) -> str:
        return str(os.path.abspath(self._loader.path_dwim(path)))

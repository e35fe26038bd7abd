# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of nginx_config: check the options, render the templates, pass the files to the module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    snippet_access,
    snippet_locations,
    snippet_pages,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.names import normalise_names
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import ActionParams, Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import (
    check_generation,
    check_keys,
    check_nginx_conf,
    check_sites,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain, type_errors
from ansible_collections.gatehouse.django.plugins.plugin_utils._killed import OF_NGINX, explain_kill
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import pages
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.certificate import join_pem
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.site_access import password_files


class ActionModule(ActionBase):  # type: ignore[misc]
    """Refuse wrong options before any connection to the host."""

    TRANSFERS_FILES = False
    # What holds if the module is killed.
    STATE = OF_NGINX

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check, ask the host for its facts, render, and run the module."""
        super().run(tmp, task_vars)
        params = self._checked(plain(self._task.args))
        if params["generation"] is not None:
            return dict(self._module(params, task_vars))
        return self._publish(params, task_vars)

    def _publish(self, params: ActionParams, task_vars: dict[str, Any] | None, **more: object) -> dict[str, Any]:
        """Render the sites and run the module with them; *more* are options of its own."""
        certificates, own_pages = self._certificates(params["sites"]), self._pages(params["sites"])
        # Without rendered files the module returns the facts of the host that the action renders for.
        asked: dict[str, object] = {"nginx_conf": params["nginx_conf"]}
        acme = [site["name"] for site in params["sites"] if site["tls"] == "acme"]
        locations = [location for site in params["sites"] for location in site["locations"] or []]
        aliases = sorted({location["alias"] for location in locations if location["alias"]})
        asked |= {name: value for name, value in (("acme_sites", acme), ("aliases", aliases)) if value}
        host = self._module(more | asked, task_vars)
        if host.get("failed") or "conf_dir" not in host:
            return dict(host)
        try:
            rendered = render(host, params["sites"], params["nginx_conf"], own_pages)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        args: dict[str, object] = {
            "purge": params["purge"],
            "nginx_conf": params["nginx_conf"],
            "rendered": rendered,
        }
        if certificates:
            args["certificates"] = certificates
        present = [site for site in params["sites"] if site["state"] == "present"]
        passwords = {site["name"]: files for site in present if (files := password_files(site))}
        if passwords:
            args["passwords"] = passwords
        result = dict(self._module(more | args, task_vars))
        checks = (snippet_access, snippet_locations, snippet_pages)
        warned = [warning for site in present for check in checks for warning in check.warnings(site)]
        return {**result, "warnings": [*result.get("warnings", []), *warned]} if warned else result

    def _module(self, args: Mapping[str, Any], task_vars: dict[str, Any] | None) -> Any:
        return explain_kill(self._execute_module(module_args=dict(args), task_vars=task_vars), self.STATE)

    def _certificates(self, sites: list[Site]) -> dict[str, str]:
        """The operator's certificates, each as one PEM text with its key, by site."""
        found = {}
        for site in sites:
            if site["tls"] == "files" and site["state"] == "present":
                try:
                    certificate = self._text(site, "tls_certificate") or ""
                    found[site["name"]] = join_pem(site, certificate, self._text(site, "tls_key"))
                except ValueError as error:
                    raise AnsibleActionFail(f"site '{site['name']}': {error}. Nothing was changed.") from None
        return found

    def _pages(self, sites: list[Site]) -> dict[str, dict[str, bytes]]:
        """The files of option `pages`, by site and name."""
        found = {}
        for site in sites:
            if site["pages"] is not None and site["state"] == "present":
                try:
                    found[site["name"]] = pages.read(site, self._find_needle("files", site["pages"]))
                except (AnsibleError, ValueError) as error:
                    message = str(error)
                    end = "" if message.endswith((".", "?")) else "."
                    # ansible-core would add the cause, which is the same sentence.
                    raise AnsibleActionFail(f"{message}{end} Nothing was changed.") from None
        return found

    def _text(self, site: Site, option: Literal["tls_certificate", "tls_key"]) -> str | None:
        """The content of a file on the controller, resolved and decrypted as `copy` does it."""
        if site[option] is None:
            return None
        try:
            path = self._loader.get_real_file(self._find_needle("files", site[option]))
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    return file.read()
            finally:
                self._loader.cleanup_tmp_file(path)
        except (AnsibleError, OSError) as error:
            raise ValueError(f"{option} '{site[option]}' cannot be read on the controller: {error}") from error

    @staticmethod
    def _checked(args: dict[str, Any]) -> ActionParams:
        for option in ("rendered", "certificates", "passwords", "acme_sites", "aliases"):
            if args.get(option) is not None:
                raise AnsibleActionFail(f"nginx_config: '{option}' is set by the collection itself: remove it")
        try:
            check_keys(args)
            check_generation(args)
            result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(args)
            if result.error_messages:
                errors = type_errors(ARGUMENT_SPEC, args, "nginx_config")
                raise ValueError("; ".join(errors) or f"nginx_config: {'; '.join(result.error_messages)}")
            params: ActionParams = result.validated_parameters
            normalise_names(params["sites"])
            check_sites(params["sites"])
            check_nginx_conf(params["nginx_conf"])
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        return params

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of nginx_config: checks the arguments, renders the templates, hands the files to the module."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_sites import (
    check_generation,
    check_keys,
    check_nginx_conf,
    check_sites,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx_spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx_render import render
from ansible_collections.gatehouse.django.plugins.plugin_utils._plain import plain


class ActionModule(ActionBase):  # type: ignore[misc]
    """Refuses what is wrong before the host is asked for anything."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check, ask the host for its facts, render, and run the module."""
        super().run(tmp, task_vars)
        params = self._checked(plain(self._task.args))
        if params["generation"] is not None:
            return dict(self._execute_module(module_args=params, task_vars=task_vars))
        # Without rendered files the module says what there is to render for.
        host = self._execute_module(module_args={"nginx_conf": params["nginx_conf"]}, task_vars=task_vars)
        if host.get("failed"):
            return dict(host)
        rendered = render(host, params["sites"], params["nginx_conf"])
        args = {"purge": params["purge"], "nginx_conf": params["nginx_conf"], "rendered": rendered}
        return dict(self._execute_module(module_args=args, task_vars=task_vars))

    @staticmethod
    def _checked(args: dict[str, Any]) -> dict[str, Any]:
        if args.get("rendered") is not None:
            raise AnsibleActionFail("nginx_config: 'rendered' is set by the collection itself: remove it")
        try:
            check_keys(args)
            check_generation(args)
            result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(args)
            if result.error_messages:
                raise ValueError("nginx_config: " + "; ".join(result.error_messages))
            params: dict[str, Any] = result.validated_parameters
            check_sites(params["sites"])
            check_nginx_conf(params["nginx_conf"])
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        return params

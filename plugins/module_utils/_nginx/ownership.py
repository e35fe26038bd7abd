# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns nginx.conf: Gatehouse never takes over a configuration that somebody has written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation, include_hook, validate
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.host_state import HostState
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused


def decide_nginx_conf(run: Run, host: dict[str, Any], settings: Mapping[str, Any] | None) -> tuple[bool, str | None]:
    """Whether nginx.conf is to be ours, and the file that speaks against it where that was for us to find out."""
    managed = include_hook.is_entry_file(files.read(host["conf_path"]) or "")
    if settings is None or (managed and settings["manage"] == "auto"):
        return managed, None
    if settings["manage"] != "auto":
        return settings["manage"] == "always", None
    validation = validate.check(run, host, dump=True)
    if not validation.isolated:
        validation = validate.check_in_place(run, host, dump=True)
    if not validation.valid:
        return False, host["conf_path"]
    foreign = include_hook.foreign_file(validation.dump, host["conf_dir"], run)
    return foreign is None, foreign


def refuse_http3(run: Run, host: dict[str, Any], candidate: generation.Generation, check_mode: bool) -> None:
    """Refuse HTTP/3 beside an nginx.conf that is not ours."""
    sites = [name for name, site in candidate.sites.items() if site.get("tls", {}).get("http3")]
    if not sites or candidate.owns_nginx_conf:
        return
    # Before a first run nobody but the role nginx, whose turn comes before, would have made it ours.
    if check_mode and decide_nginx_conf(run, host, {"manage": "auto"})[0]:
        return
    raise Refused(
        f"site '{sites[0]}': http3 needs an nginx.conf that Gatehouse manages, because nginx accepts 'reuseport' for "
        "a UDP port in one server only, here the default server: remove http3, or set nginx_manage_config to 'always'. "
        "Nothing was changed."
    )


def plan_without_nginx(host: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[dict[str, Any], Plan]:
    """What check mode can say of a host that has no nginx yet: the files, but not whether nginx accepts them."""
    if params["generation"] is not None:
        raise Refused(
            f"generation '{params['generation']}' does not exist: nginx is not installed on this host. "
            "Nothing was changed."
        )
    settings = params["nginx_conf"]
    owned = settings is not None and settings["manage"] != "never"
    candidate = compose(
        host["conf_dir"], generation.Generation(), params["rendered"], purge=False, owns_nginx_conf=owned
    )
    plan = Plan(HostState(generation.Generation(), {}), HostState(candidate, {}))
    plan.warnings.append("nginx is not installed on this host yet: the configuration below could not be validated")
    return {"changed": plan.changed, "generation": 0, "reloaded": False, "validated": "not"}, plan

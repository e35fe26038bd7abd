# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Gatehouse manages nginx.conf: with ``auto`` it never replaces a configuration that an operator wrote."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation, include_hook, validate
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.host_state import HostState
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Outcome, Params


def decide_nginx_conf(run: Run, host: NginxFacts, manage: str | None) -> tuple[bool, str | None]:
    """Decide whether Gatehouse manages nginx.conf; *manage* is the option, None if it was not given.

    Returns the decision, and with ``auto`` the file that is the reason not to manage it.
    """
    managed = include_hook.is_entry_file(files.read(host["conf_path"]) or "")
    if manage is None or (managed and manage == "auto"):
        return managed, None
    if manage != "auto":
        return manage == "always", None
    validation = validate.check(run, host, dump=True)
    if not validation.isolated:
        validation = validate.check_in_place(run, host, dump=True)
    if not validation.valid:
        return False, host["conf_path"]
    foreign = include_hook.foreign_file(validation.dump, host["conf_dir"], run)
    return foreign is None, foreign


def refuse_http3(run: Run, host: NginxFacts, candidate: generation.Generation, check_mode: bool) -> None:
    """Refuse HTTP/3 if Gatehouse does not manage nginx.conf."""
    sites = [name for name, site in candidate.sites.items() if "tls" in site and site["tls"]["http3"]]
    if not sites or candidate.owns_nginx_conf:
        return
    # In check mode before the first run the role nginx has not replaced nginx.conf, but it would have.
    if check_mode and decide_nginx_conf(run, host, "auto")[0]:
        return
    raise Refused(
        f"site '{sites[0]}': http3 needs an nginx.conf that Gatehouse manages, because nginx accepts 'reuseport' for "
        "a UDP port in one server only, here the default server: remove http3, or set nginx_manage_config to 'always'. "
        "Nothing was changed."
    )


def plan_without_nginx(host: NginxFacts, params: Params) -> tuple[Outcome, Plan]:
    """Plan for a host without nginx, in check mode: nginx cannot validate the files."""
    rendered = params["rendered"]
    if rendered is None:
        raise Refused(
            f"generation '{params['generation']}' does not exist: nginx is not installed on this host. "
            "Nothing was changed."
        )
    settings = params["nginx_conf"]
    owned = settings is not None and settings["manage"] != "never"
    candidate = compose(host["conf_dir"], generation.Generation(), rendered, purge=False, owns_nginx_conf=owned)
    plan = Plan(HostState(generation.Generation(), {}), HostState(candidate, {}))
    plan.warnings.append("nginx is not installed on this host yet: the configuration below could not be validated")
    return {"changed": plan.changed, "generation": 0, "reloaded": False, "validated": "not"}, plan

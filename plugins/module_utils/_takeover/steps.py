# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three states of a takeover, as module django_takeover brings them about."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, directories
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import read_host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates, facts, generation, ownership
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import nginx_program
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import make_plan
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Params
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.symlinks import default_policy
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import copies, retirement, settings
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.advice import describe
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.copying import Copier
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import OldSite, Refused, find
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.switch import Switch, is_live, put_back

Result = dict[str, Any]


class Steps:
    """The takeover of one site. Each method is a state of the module, and returns the module's result."""

    def __init__(self, module: Any, attempt: Attempt) -> None:
        self.module, self.params, self.attempt = module, module.params, attempt
        self.run, self.tools = module.run_command, Tools(die_with_parent(run_bounded), {})
        self.app, self.warnings = App(self.params["app"]), list[str]()
        accounts.check(self.app)
        binary = nginx_program(module.get_bin_path)
        self.nginx = facts.describe(self.run, binary)
        self.conf_dir, self.record = self.nginx["conf_dir"], retirement.read(self.app.name)
        if not module.check_mode:
            put_back(self.run, self.conf_dir, self.record, self.params["site_names"])
        self.host = read_host(self.run, self.nginx, facts.master_pid(self.run, self.nginx["pid_path"]))
        self.old = find(self.host, self.params["names"])

    def copied(self) -> Result:
        """Copy the data while the site is served."""
        if self.old is None:
            return self._nothing_to_do()
        self._refuse_served_app()
        old, (project, reader) = self.old, self._read_old()
        planned = copies.plan(project, self.app)
        copies.check_space(planned, APPS)
        self.warnings += _limits(old)
        answer = {"changed": True, "is_due": True, "plan": describe(old, project, planned)}
        if not self.module.check_mode:
            self.attempt.doing = f"copying the data of {old.service.unit}"
            self.attempt.state = "The hand-made site is served as before."
            accounts.ensure(self.tools, self.app)
            directories.ensure(self.app, self.params["media_group"])
            if self.app.current():
                self._switch_of(None).stop_app()
            copier = Copier(self.app, reader, self.params["media_group"])
            copier.begin()
            copier.copy(planned, is_live=True)
        return answer

    def switched(self) -> Result:
        """Let the app serve the site; without rendered files, answer the action plugin."""
        if self.old is None:
            return {"changed": False, "is_due": False, "plan": []}
        self._refuse_served_app()
        certificate = self._certificate()
        if self.params["rendered"] is None:
            return self._answer(certificate)
        old, (project, reader) = self.old, self._read_old()
        if not self.app.is_complete(self.app.current()):
            raise Refused(f"app: {self.app.name} is not deployed on this host. Nothing was changed.")
        new = settings.read_new(self.app)
        planned = copies.plan(project, self.app, new)
        self.warnings += copies.warnings(project, new)
        rendered = self.params["rendered"]["sites"]
        if certificate and not any("tls" in site for site in rendered.values()):
            raise Refused(
                f"sites: the hand-made site has HTTPS ({old.site.certificate[0]}), and the app's sites have none. Set "
                "django_site_tls, or tls of the site. Nothing was changed."
            )
        pems = {name: certificate for name, site in rendered.items() if certificate and _is_acme(site)}
        params = cast(Params, {**self.params, "generation": None})
        params["certificates"] = pems | (params["certificates"] or {})
        with locked("nginx"):
            owns, _foreign = ownership.decide_nginx_conf(self.run, self.nginx, None)
            plan = make_plan(self.run, self.nginx, params, owns)
            switch = self._switch_of(plan)
            self.attempt.doing = f"switching from {old.service.unit} to app {self.app.name}"
            site = next(iter(rendered))
            databases = self.params["migrate_databases"]
            if self.module.check_mode:
                return {"changed": True, "is_due": True, "plan": list(map(str, planned))}
            copier = Copier(self.app, reader, self.params["media_group"])
            history, release = History(self.app.name, self.params["run"]["by"]), self.app.current()
            with history.recorded("takeover", old.service.unit, release) as event:
                event["revision"] = self.app.revision(release)
                outcome = switch.go(copier, planned, databases, site, self.host.user)
        self.warnings += [*plan.warnings, *([history.problem] if history.problem else [])]
        return {**outcome, "is_due": True, "plan": list(map(str, planned)), "phases": self.tools.phases}

    def finished(self) -> Result:
        """Stop what is left of the hand-made site."""
        if self.record is None or self.old is not None or not is_live(self.conf_dir, self.params["site_names"]):
            return {"changed": False, "is_due": self.old is not None, "plan": []}
        known = generation.read_base(self.conf_dir).sites
        acme = [name for name in self.params["site_names"] if name in known and _is_acme(known[name])]
        due = retirement.due(self.run, self.record, acme)
        if due and not self.module.check_mode:
            self.attempt.doing = "stopping the units of the hand-made site"
            self.attempt.state = f"App {self.app.name} serves the site."
            self.warnings += retirement.finish(self.run, self.record, acme)
        return {"changed": bool(due), "is_due": False, "plan": due}

    def _nothing_to_do(self) -> Result:
        if is_live(self.conf_dir, self.params["site_names"]):
            return {"changed": False, "is_due": False, "plan": []}
        names = ", ".join(self.params["names"])
        raise Refused(f"sites: no server of nginx on this host has one of the names {names}. Nothing was changed.")

    def _refuse_served_app(self) -> None:
        live = [name for name in self.params["site_names"] if is_live(self.conf_dir, [name])]
        if live:
            raise Refused(
                f"sites: Gatehouse already publishes site {', '.join(live)} with other names. Give the site that "
                "replaces the hand-made one another name. Nothing was changed."
            )
        served = sorted(site.site for site in self.host.app_sites if site.app == self.app.name)
        if served:
            raise Refused(
                f"app: {self.app.name} already serves {', '.join(served)} with data of its own, which the takeover "
                "would replace. Choose another name for the app. Nothing was changed."
            )

    def _read_old(self) -> tuple[settings.Project, settings.Process]:
        if self.old is None:
            raise Refused("there is no hand-made site. Nothing was changed.")
        try:
            return settings.read_old(settings.started(self.run, self.old.service, self.old.site.address))
        except settings.Unreadable as error:
            raise Refused(
                f"The settings of the project behind {self.old.service.unit} cannot be read: {error}. "
                "Nothing was changed."
            ) from error

    def _switch_of(self, plan: object) -> Switch:
        return Switch(self.run, self.tools, self.app, self.old, self.nginx, plan)  # type: ignore[arg-type]

    def _answer(self, certificate: str) -> Result:
        """The facts for which the action plugin renders. The names of the old certificate keep their HTTPS."""
        described = certificates.describe(certificate) if certificate else None
        certified = {site: described.names if described else [] for site in self.params["acme_sites"] or []}
        symlinks = {alias: default_policy(alias) for alias in self.params["aliases"] or []}
        return {"changed": False, **self.nginx, "certified": certified, "symlinks": symlinks}

    def _certificate(self) -> str:
        """Key and certificate of the hand-made site, empty without HTTPS. nginx's master reads them as root, too."""
        certificate, key = self.old.site.certificate if self.old else ("", "")
        paths = [Path(self.conf_dir, path) for path in (key, certificate) if path]
        return "".join(path.read_text(encoding="ascii").rstrip() + "\n" for path in paths) if len(paths) == 2 else ""


def _is_acme(site: Any) -> bool:
    return "tls" in site and site["tls"]["mode"] == "acme"


def _limits(old: OldSite) -> list[str]:
    """What the operator has to know before."""
    if old.can_wait:
        return []
    unit, address = old.service.unit, old.site.address
    reason = f"{unit} opens {address} itself" if old.site.speaks_http else f"nginx speaks no HTTP with {unit}"
    return [
        f"Requests during the switch, which takes some seconds, are answered with 502, because {reason}. To avoid "
        f"that, give {unit} a socket unit and nginx 'proxy_pass http://unix:...' before: then requests wait."
    ]

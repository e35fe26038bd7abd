# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a change: the current state of the host, the requested state, and the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    certificates,
    drained,
    generation,
    host_certificates,
    host_state,
    include_hook,
    password_diff,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import master_pid
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Params
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.reload import applied_generation


class Refused(Exception):
    """The change was refused; the message gives the reason and the state of the host."""


@dataclass
class Plan:
    """The current and the requested state of the host, with texts for diff and warnings."""

    before: host_state.HostState
    after: host_state.HostState
    # The text of certificates for a diff, by path: their files contain keys.
    certificate_texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    # Whether the link to the live generation was lost; `before` is the generation that it is restored from.
    restores_link: bool = False

    @property
    def changes_files(self) -> bool:
        """Whether the plan changes the generation or the entry files."""
        return (self.before.generation.files, self.before.entries) != (self.after.generation.files, self.after.entries)

    @property
    def changed(self) -> bool:
        """Whether the host differs from the plan."""
        certificates_differ = self.before.certificates != self.after.certificates
        return self.changes_files or self.restores_link or certificates_differ or bool(self.after.moves)

    def diff(self, live: str) -> list[dict[str, str]]:
        """Ansible's diff structure, with one element for each changed file; *live* is the path of the symlink."""
        before, after = (
            {**{f"{live}/{path}": text for path, text in state.generation.files.items()}, **state.entries}
            for state in (self.before, self.after)
        )
        return [
            _change(path, before.get(path), after.get(path))
            for path in sorted({**before, **after})
            if before.get(path) != after.get(path)
        ] + [
            {"before_header": path, "after_header": path, "before": before_text, "after": after_text}
            for path, (before_text, after_text) in sorted(self.certificate_texts.items())
        ]


def _change(path: str, before: str | None, after: str | None) -> dict[str, str]:
    if f"/{generation.PASSWORDS}" in path:
        return password_diff.change(path, before or "", after or "")
    return {
        "before_header": path,
        "after_header": path,
        "before": _printable(before),
        "after": _printable(after),
    }


def _printable(text: str | None) -> str:
    data = (text or "").encode("utf-8", errors=files.BYTES)
    if b"\0" in data:
        return f"({len(data)} bytes)\n"
    return data.decode("utf-8", errors="replace")


def make_plan(run: Run, host: NginxFacts, params: Params, owns_nginx_conf: bool) -> Plan:
    """Compose the candidate from the live generation and the options; raises Refused if they contradict each other."""
    conf_dir = host["conf_dir"]
    try:
        live = generation.read_base(conf_dir)
        rendered = params["rendered"]
        if rendered is None:
            candidate = generation.read(conf_dir, generation.resolve(conf_dir, params["generation"] or ""))
        else:
            candidate = compose(
                conf_dir,
                live,
                rendered,
                purge=params["purge"],
                owns_nginx_conf=owns_nginx_conf,
                passwords=params["passwords"],
                entry_shared=include_hook.is_entry_shared(conf_dir, host_state.original_nginx_conf(host)),
            )
        candidate.files = drained.keep_drained(candidate.files, drained.drained(live.files))
        affected = {
            name: site
            for name, site in candidate.sites.items()
            if (rendered and name in rendered["sites"]) or not certificates.path(conf_dir, name).exists()
        }
        warnings = host_certificates.check(candidate.sites, live.sites)
        pems = certificates.required(run, conf_dir, affected, params["certificates"] or {})
        after = host_state.state_with(host, candidate)
    except (ValueError, include_hook.NoInclude) as error:
        raise Refused(f"{error}. Nothing was changed.") from error
    _refuse_removing_all_sites(run, host, params, candidate, live)
    plan = plan_from(conf_dir, live, after)
    plan.warnings += warnings
    return add_certificates(run, plan, pems)


def plan_from(conf_dir: str, base: generation.Generation, after: host_state.HostState) -> Plan:
    """Plan the change from *base*, which generation.read_base has returned, to *after*."""
    plan = Plan(host_state.current_state(after.entries, base), after)
    if base.number and not generation.live_number(conf_dir):
        plan.restores_link = True
        plan.warnings.append(
            f"{generation.link(conf_dir)} was missing or broken: this run started from generation {base.number}, "
            "the newest one that nginx has served"
        )
    return plan


def _refuse_removing_all_sites(
    run: Run,
    host: NginxFacts,
    params: Params,
    candidate: generation.Generation,
    live: generation.Generation,
) -> None:
    """Refuse a generation without sites if nginx serves sites whose files are lost."""
    master = master_pid(run, host["pid_path"])
    if candidate.sites or live.number or params["purge"] or not master:
        return
    served = applied_generation(host["conf_dir"], master)
    if served:
        home = generation.root(host["conf_dir"])
        raise Refused(
            f"nginx serves generation {served}, but no generation is left in {home}: a configuration without sites "
            f"would take all sites down. Restore {home} from a backup, or stop nginx and publish all sites again. "
            "Nothing was changed."
        )


def add_certificates(run: Run, plan: Plan, pems: Mapping[str, str]) -> Plan:
    """Add to *plan* those of the certificates *pems*, by path, that differ from the host's."""
    for path, pem in pems.items():
        installed = files.read(path)
        if pem != installed:
            plan.before.certificates[path], plan.after.certificates[path] = installed, pem
            plan.certificate_texts[path] = (_certificate_text(run, installed), _certificate_text(run, pem))
    return plan


def _certificate_text(run: Run, pem: str | None) -> str:
    return certificates.readable_text(run, pem) if pem else ""

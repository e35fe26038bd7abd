# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction: validate the candidate, build it, switch with one rename, reload, prove the reload, or roll back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    access_logs,
    alerts,
    certificates,
    error_attribution,
    generation,
    host_state,
    page_caches,
    reload,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.candidate import (
    validate_after_switch,
    validate_before_switch,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import group_of, master_pid
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.file_limit import raise_file_limit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Outcome
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.rollback import roll_back

# How far back nginx's log is read after a reload.
RECENT_SECONDS = 3600.0


class Transaction:
    """One change of nginx's configuration, from the plan to what nginx serves. The caller holds the lock."""

    def __init__(self, run: Run, host: NginxFacts, plan: Plan) -> None:
        self.run, self.host, self.plan, self.conf_dir = run, host, plan, host["conf_dir"]
        self.live, self.candidate = plan.before.generation.number, plan.after.generation
        # The process id of nginx's master, None if nginx is not running.
        self.master = master_pid(run, host["pid_path"])
        # The generation and the digest of the certificates that nginx has read; the digest is empty if nginx has not
        # read the ones on the disk.
        self.served, self.read_digest, renewed = self.live, "", False
        if self.master is not None:
            self.served = reload.applied_generation(self.conf_dir, self.master)
            paths = certificates.paths_of(self.conf_dir, plan.before.generation.sites)
            digest = certificates.digest(paths)
            renewed = not reload.has_read_certificates(self.master, paths, digest)
            self.read_digest = "" if renewed else digest
        # nginx has not read what is live if an earlier run was killed between its switch and its reload.
        self.due = plan.changed or self.served != self.live or renewed
        self.reloads = self.due and self.master is not None
        self.created_logs: list[Path] = []

    def apply(self, *, check_mode: bool) -> Outcome:
        """Carry out the plan; in check mode only validate it. Raises Refused after the host was restored."""
        result: Outcome = {"changed": self.due, "generation": self.live, "reloaded": False, "validated": "unchanged"}
        if not check_mode:
            self._clean_up_interrupted_run()
        if not self.due and generation.is_sealed(self.conf_dir, self.live):
            return result
        self._number_candidate()
        # nginx tests the candidate as a child of this process.
        raise_file_limit()
        isolated = validate_before_switch(self.run, self.host, self.plan)
        if check_mode:
            return {**result, "validated": "isolated" if isolated else "not"}
        try:
            self._build()
            self._switch()
            if not isolated:
                validate_after_switch(self.run, self.host, self.plan)
            self._reload()
        except Exception as error:
            raise Refused(self._undo(error)) from error
        self._record_and_prune()
        validated = "isolated" if isolated else "in_place"
        return {**result, "generation": self.candidate.number, "reloaded": self.reloads, "validated": validated}

    def _clean_up_interrupted_run(self) -> None:
        try:
            host_state.clean_up_interrupted_run(self.host)
        except OSError as error:
            raise Refused(f"{error}. The live configuration is as it was.") from error

    def _number_candidate(self) -> None:
        # A new certificate alone needs no new generation: its path stays the same.
        number = generation.next_number(self.conf_dir) if self.plan.changes_files else self.live
        self.candidate.number = number

    def _build(self) -> None:
        if self.plan.changes_files:
            group = group_of(self.host["user"])
            generation.build(self.conf_dir, self.candidate.number, self.candidate.files, group)
            self.created_logs = access_logs.create(self.candidate.sites, self.host["user"])

    def _switch(self) -> None:
        if not self.plan.changed:
            return
        if self.master is not None:
            # If this run is killed, the next one then reloads nginx, whatever the clock says. The same record is
            # written after the reload, where its failure is a warning.
            with contextlib.suppress(OSError):
                reload.record(self.served)
                reload.record_certificates(self.read_digest)
        host_state.switch(self.host, self.plan.after)

    def _reload(self) -> None:
        """Reload nginx, if it runs, and prove that it has read the candidate."""
        if not self.due:
            return
        if self.master is None:
            self.plan.warnings.append("nginx is not running: it will read the new configuration when it starts")
            return
        self.read_digest = certificates.digest(certificates.paths_of(self.conf_dir, self.candidate.sites))
        raise_file_limit(self.master)
        reload.reload(self.run, self.master, self.host["error_log_path"])
        self.plan.warnings += [
            f"{one.described()}. {one.known.remedy if one.known else ''}".strip(". ")
            for one in alerts.recent(self.run, self.master, self.host["error_log_path"], RECENT_SECONDS)
        ]

    def _undo(self, error: Exception) -> str:
        """Roll back, and return the message of the failure: its reason, where it comes from, the state of the host."""
        expected = isinstance(error, (Refused, reload.NotApplied))
        reason = str(error) if expected else f"{type(error).__name__}: {error}."
        # Before the rollback removes files.
        lack = disk_space.explain(error)
        messages = getattr(error, "messages", [])
        origins = [error_attribution.origin(line, self.conf_dir, self.candidate) for line in messages]
        served = self.served if self.master else None
        state = roll_back(self.host, self.plan, served, self.created_logs)
        if isinstance(error, reload.NotApplied) and not messages:
            # nginx has not refused the candidate. It may still be reading it, and must read the live generation again.
            self.run(["systemctl", "reload", "nginx.service"])
        return " ".join(filter(None, [reason, *origins, lack, state]))

    def _record_and_prune(self) -> None:
        """Record what works, and remove what is no longer needed. A failure is a warning: the change stays."""
        number = self.candidate.number
        steps: list[tuple[str, Callable[[], None]]] = []
        if self.reloads:
            steps += [
                ("recording what nginx has read", lambda: reload.record(number)),
                ("recording which certificates nginx has read", lambda: reload.record_certificates(self.read_digest)),
            ]
        steps += [
            (f"recording that generation {number} works", lambda: generation.seal(self.conf_dir, number)),
            ("removing old generations", lambda: generation.prune(self.conf_dir)),
            ("removing caches of pages", lambda: page_caches.prune(self.host, self.candidate.files)),
            ("removing certificates that are no longer used", lambda: certificates.prune(self.conf_dir)),
        ]
        for what, step in steps:
            try:
                step()
            except (OSError, ValueError) as error:
                self.plan.warnings.append(f"generation {number} is live, but {what} failed afterwards: {error}")


def apply(run: Run, host: NginxFacts, plan: Plan, *, check_mode: bool) -> Outcome:
    """Carry out *plan*; in check mode only validate it. Raises Refused after the host was restored."""
    return Transaction(run, host, plan).apply(check_mode=check_mode)

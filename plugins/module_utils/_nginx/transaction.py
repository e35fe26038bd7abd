# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction: validate the candidate, build it, switch with one rename, reload, prove the reload, or roll back."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Callable, Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    certificates,
    error_attribution,
    generation,
    host_state,
    reload,
    validate,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import master_pid
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.file_limit import raise_file_limit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts, Outcome, SiteRecord


def apply(run: Run, host: NginxFacts, plan: Plan, *, check_mode: bool) -> Outcome:
    """Carry out *plan*; in check mode only validate it.

    Raises Refused after the host was restored.
    """
    conf_dir, live, candidate = host["conf_dir"], plan.before.generation.number, plan.after.generation
    master = master_pid(run, host["pid_path"])
    served = reload.applied_generation(conf_dir, master) if master else live
    # They differ if an earlier run was killed between its switch and its reload: this run reloads nginx.
    paths = certificates.paths_of(conf_dir, plan.before.generation.sites)
    renewed = master is not None and not reload.has_read_certificates(master, paths, certificates.digest(paths))
    due = plan.changed or served != live or renewed
    result: Outcome = {"changed": due, "generation": live, "reloaded": False, "validated": "unchanged"}
    if not check_mode:
        try:
            host_state.clean_up_interrupted_run(host)
        except OSError as error:
            raise Refused(f"{error}. The live configuration is as it was.") from error
    if not due and generation.is_sealed(conf_dir, live):
        return result
    # nginx tests the candidate as a child of this process.
    raise_file_limit()
    # A new certificate alone needs no new generation: its path stays the same.
    candidate.number = generation.next_number(conf_dir) if plan.changes_files else live
    isolated = _validate_before_switch(run, host, plan)
    if check_mode:
        return {**result, "validated": "isolated" if isolated else "not"}
    logs: list[Path] = []
    read_digest = ""
    try:
        if plan.changes_files:
            generation.build(conf_dir, candidate.number, candidate.files)
            logs += _create_logs(candidate.sites, host["user"])
        if plan.changed:
            if master is not None:
                _record_before_switch(served, "" if renewed else certificates.digest(paths))
            host_state.switch(host, plan.after)
        if not isolated:
            _raise_unless_valid(run, host, plan, validate.check_in_place(run, host))
        if due and master is not None:
            read_digest = certificates.digest(certificates.paths_of(conf_dir, candidate.sites))
            raise_file_limit(master)
            reload.reload(run, master, host["error_log_path"])
    except Exception as error:
        messages = getattr(error, "messages", [])
        expected = isinstance(error, (Refused, reload.NotApplied))
        reason = str(error) if expected else f"{type(error).__name__}: {error}."
        sentences = [reason, *(error_attribution.origin(line, conf_dir, candidate) for line in messages)]
        sentences.append(_roll_back(host, plan, served if master else None, logs))
        if isinstance(error, reload.NotApplied) and not messages:
            # nginx has not refused the candidate. It may still be reading it, and must read the live generation again.
            run(["systemctl", "reload", "nginx.service"])
        raise Refused(" ".join(filter(None, sentences))) from error
    _record_and_prune(conf_dir, plan, read_digest if due and master is not None else None)
    if due and master is None:
        plan.warnings.append("nginx is not running: it will read the new configuration when it starts")
    return {
        "changed": due,
        "generation": candidate.number,
        "reloaded": due and master is not None,
        "validated": "isolated" if isolated else "in_place",
    }


def _record_before_switch(served: int, read_digest: str) -> None:
    """Record what nginx has read, so that the next run reloads nginx if this one is killed, whatever the clock says.

    *read_digest* is the digest of its certificates, empty if nginx has not read those on the disk. A failure is ignored
    here: the same record is written after the reload, and its failure is a warning.
    """
    with contextlib.suppress(OSError):
        reload.record(served)
        reload.record_certificates(read_digest)


def _record_and_prune(conf_dir: str, plan: Plan, read_digest: str | None) -> None:
    """Record the live generation, and remove what is no longer needed. A failure is a warning: the change stays.

    *read_digest* is the digest of the certificates that nginx has read, None if nginx was not reloaded.
    """
    number = plan.after.generation.number
    steps: list[tuple[str, Callable[[], None]]] = [
        (f"recording that generation {number} works", lambda: generation.seal(conf_dir, number)),
        ("removing old generations", lambda: generation.prune(conf_dir)),
        ("removing certificates that are no longer used", lambda: certificates.prune(conf_dir)),
    ]
    if read_digest is not None:
        steps.insert(0, ("recording what nginx has read", lambda: reload.record(number)))
        steps.insert(
            1, ("recording which certificates nginx has read", lambda: reload.record_certificates(read_digest))
        )
    for what, step in steps:
        try:
            step()
        except (OSError, ValueError) as error:
            plan.warnings.append(f"generation {number} is live, but {what} failed afterwards: {error}")


def _validate_candidate(run: Run, host: NginxFacts, plan: Plan, *, dump: bool = False) -> validate.ValidationResult:
    """Let nginx test the candidate in its place, without touching live files."""
    conf_dir, candidate = host["conf_dir"], plan.after.generation
    home = generation.directory(conf_dir, candidate.number)
    files = {f"{home}/{path}": content for path, content in candidate.files.items()}
    entries, before = plan.after.entries, plan.before.entries
    files |= {path: content for path, content in entries.items() if content is not None and content != before[path]}
    files |= {path: content for path, content in plan.after.certificates.items() if content is not None}
    removed = tuple(path for path, content in entries.items() if content is None)
    links = {str(generation.link(conf_dir)): f"generations/{candidate.number}"}
    return validate.check(run, host, files, links, removed, dump=dump)


def _validate_before_switch(run: Run, host: NginxFacts, plan: Plan) -> bool:
    """Validate the candidate before the switch; returns False if the kernel does not allow that."""
    validation = _validate_candidate(run, host, plan)
    if validation.isolated:
        try:
            _raise_unless_valid(run, host, plan, validation)
        except Refused as error:
            raise Refused(f"{error} The live configuration is as it was.") from error
    else:
        plan.warnings.append(
            "the candidate could not be validated before the switch, because the kernel refused a private mount "
            f"namespace ({'; '.join(validation.messages)}): it is validated after the switch, and reverted if it fails"
        )
    return validation.isolated


def _raise_unless_valid(run: Run, host: NginxFacts, plan: Plan, validation: validate.ValidationResult) -> None:
    """Raise Refused if nginx does not accept the configuration, or would ignore a part of it."""
    conf_dir, candidate = host["conf_dir"], plan.after.generation
    names = error_attribution.conflicting_names(validation.messages, candidate)
    if names:
        dumped = (
            _validate_candidate(run, host, plan, dump=True)
            if validation.isolated
            else validate.check_in_place(run, host, dump=True)
        )
        raise Refused(error_attribution.name_conflict(names[0], dumped.dump, conf_dir, candidate))
    if not validation.valid:
        sentences = [
            f"{line}. {error_attribution.origin(line, conf_dir, candidate)}".strip() for line in validation.messages
        ]
        raise Refused(
            f"nginx refuses the new configuration: {' '.join(sentences)}{_broken_before(run, host, validation)}"
        )
    plan.warnings.extend(line for line in validation.messages if "gatehouse/" in line)


def _broken_before(run: Run, host: NginxFacts, validation: validate.ValidationResult) -> str:
    """A sentence if nginx refuses the host's configuration without the candidate as well, else an empty text."""
    before = validate.check(run, host) if validation.isolated else validation
    if not validation.isolated or before.valid:
        return ""
    if before.messages == validation.messages:
        return " The configuration was already broken before this change."
    return f" The configuration was already broken before this change: {'; '.join(before.messages)}."


def _roll_back(host: NginxFacts, plan: Plan, served: int | None, logs: list[Path]) -> str:
    """Restore the configuration that worked and remove the candidate. Returns the state of the host, in a sentence.

    *served* is the generation that nginx has read, None if nginx is not running.
    """
    conf_dir, live = host["conf_dir"], plan.before.generation.number
    target = _rollback_target(conf_dir, live, served)
    try:
        state = plan.before if target == live else host_state.state_with(host, generation.read(conf_dir, target))
        state.certificates = plan.before.certificates
        host_state.switch(host, state)
        if served:
            # The restored link is newer than the running nginx, so its time does not tell what nginx has read.
            with contextlib.suppress(OSError):
                # Without the record the next run reloads nginx once more.
                reload.record(served)
        for path in logs:
            if not path.stat().st_size:
                path.unlink()
        generation.remove_unserved(conf_dir)
    except Exception as error:
        # Report the failure that caused the rollback first; this sentence follows it.
        return (
            f"The rollback failed: {type(error).__name__}: {error}. "
            f"Check by hand where {generation.link(conf_dir)} points to."
        )
    if served is None:
        return "The live configuration is as it was." if target == live else f"Generation {target} is live again."
    if served == live:
        return "The live configuration is as it was, and nginx serves it as before."
    if served == target:
        return f"Generation {served}, which nginx serves, is live again."
    return f"Generation {target} is live; nginx still runs the configuration that it read before."


def _rollback_target(conf_dir: str, live: int, served: int | None) -> int:
    """The generation to restore: the one that nginx serves, else the live one if it is sealed."""
    sealed = [number for number in generation.numbers(conf_dir) if generation.is_sealed(conf_dir, number)]
    if not live or live == served or not sealed:
        return live
    if served in sealed:
        return served
    return live if live in sealed else sealed[-1]


def _create_logs(sites: Mapping[str, SiteRecord], user: str) -> list[Path]:
    """Create missing access logs with the distribution's mode and owner: nginx would create them world-readable."""
    owner = pwd.getpwnam(user)
    try:
        group = grp.getgrnam("adm").gr_gid
    except KeyError:
        group = owner.pw_gid
    created = []
    for name in sites:
        path = Path(f"/var/log/nginx/{name}.access.log")
        if path.parent.is_dir() and not path.exists():
            path.touch(mode=0o640)
            os.chown(path, owner.pw_uid, group)
            created.append(path)
    return created

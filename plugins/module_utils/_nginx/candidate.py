# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have nginx test the candidate of a plan, and refuse what nginx refuses or would ignore."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    error_attribution,
    generation,
    proxy_protocol,
    validate,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts


def validate_before_switch(run: Run, host: NginxFacts, plan: Plan) -> bool:
    """Validate the candidate in its place, without touching live files.

    Returns False if the kernel does not allow that. Raises Refused if nginx does not accept the candidate.
    """
    validation = _test(run, host, plan)
    if not validation.isolated:
        plan.warnings.append(
            "the candidate could not be validated before the switch, because the kernel refused a private mount "
            f"namespace ({'; '.join(validation.messages)}): it is validated after the switch, and reverted if it fails"
        )
        return False
    try:
        _raise_unless_accepted(run, host, plan, validation)
    except Refused as error:
        raise Refused(f"{error} The live configuration is as it was.") from error
    return True


def validate_after_switch(run: Run, host: NginxFacts, plan: Plan) -> None:
    """Validate the candidate, which is live now; raises Refused if nginx does not accept it."""
    _raise_unless_accepted(run, host, plan, validate.check_in_place(run, host))


def _test(run: Run, host: NginxFacts, plan: Plan, *, dump: bool = False) -> validate.ValidationResult:
    conf_dir, candidate = host["conf_dir"], plan.after.generation
    home = generation.directory(conf_dir, candidate.number)
    # nginx reads passwords at a request only.
    readable = {path: text for path, text in candidate.files.items() if not path.startswith(generation.PASSWORDS)}
    files = {f"{home}/{path}": content for path, content in readable.items()}
    entries, before = plan.after.entries, plan.before.entries
    files |= {path: content for path, content in entries.items() if content is not None and content != before[path]}
    files |= {path: content for path, content in plan.after.certificates.items() if content is not None}
    removed = (*(path for path, content in entries.items() if content is None), *plan.after.moves)
    links = {str(generation.link(conf_dir)): f"generations/{candidate.number}"}
    return validate.check(run, host, files, links, removed, dump=dump)


def _raise_unless_accepted(run: Run, host: NginxFacts, plan: Plan, validation: validate.ValidationResult) -> None:
    conf_dir, candidate = host["conf_dir"], plan.after.generation
    names = error_attribution.conflicting_names(validation.messages, candidate)
    if names:
        dump = _dump(run, host, plan, isolated=validation.isolated)
        raise Refused(error_attribution.name_conflict(names[0], dump, conf_dir, candidate))
    if not validation.valid:
        sentences = [
            f"{line}. {error_attribution.origin(line, conf_dir, candidate)}".strip() for line in validation.messages
        ]
        raise Refused(
            f"nginx refuses the new configuration: {' '.join(sentences)}{_broken_before(run, host, validation)}"
        )
    if any(any(proxy_protocol.expectations(site).values()) for site in candidate.sites.values()):
        dump = _dump(run, host, plan, isolated=validation.isolated)
        if conflict := proxy_protocol.conflict(dump, conf_dir, candidate.sites):
            raise Refused(conflict)
    plan.warnings.extend(line for line in validation.messages if "gatehouse/" in line)


def _dump(run: Run, host: NginxFacts, plan: Plan, *, isolated: bool) -> str:
    """The whole configuration with the candidate, as ``nginx -T`` prints it."""
    tested = _test(run, host, plan, dump=True) if isolated else validate.check_in_place(run, host, dump=True)
    return tested.dump


def _broken_before(run: Run, host: NginxFacts, validation: validate.ValidationResult) -> str:
    """A sentence if nginx refuses the host's configuration without the candidate as well, else an empty text."""
    before = validate.check(run, host) if validation.isolated else validation
    if not validation.isolated or before.valid:
        return ""
    if before.messages == validation.messages:
        return " The configuration was already broken before this change."
    return f" The configuration was already broken before this change: {'; '.join(before.messages)}."

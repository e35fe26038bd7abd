# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore the configuration that worked, after a change that nginx has not applied."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import access_logs, generation, host_state, reload
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts


def roll_back(host: NginxFacts, plan: Plan, served: int | None, logs: Iterable[Path]) -> str:
    """Restore the configuration that worked, and remove the candidate and its empty *logs*.

    *served* is the generation that nginx has read, None if nginx is not running. Returns the state of the host, in a
    sentence.
    """
    conf_dir, live = host["conf_dir"], plan.before.generation.number
    target = _target(conf_dir, live, served)
    try:
        _restore(host, plan, target)
        if served:
            # The restored link is newer than the running nginx, so its time does not tell what nginx has read.
            with contextlib.suppress(OSError):
                # Without the record the next run reloads nginx once more.
                reload.record(served)
        access_logs.remove_empty(logs)
        generation.remove_unserved(conf_dir)
    except Exception as error:
        # Report the failure that caused the rollback first; this sentence follows it.
        return (
            f"The rollback failed: {type(error).__name__}: {error}. "
            f"Check by hand where {generation.link(conf_dir)} points to."
        )
    return _state(live, served, target)


def _target(conf_dir: str, live: int, served: int | None) -> int:
    """The generation to restore: the one that nginx serves, else the live one if it is sealed."""
    sealed = [number for number in generation.numbers(conf_dir) if generation.is_sealed(conf_dir, number)]
    if not live or live == served or not sealed:
        return live
    if served in sealed:
        return served
    return live if live in sealed else sealed[-1]


def _restore(host: NginxFacts, plan: Plan, target: int) -> None:
    state = plan.before
    if target != plan.before.generation.number:
        state = host_state.state_with(host, generation.read(host["conf_dir"], target))
        state.certificates, state.moves = plan.before.certificates, plan.before.moves
    host_state.switch(host, state)


def _state(live: int, served: int | None, target: int) -> str:
    """The state of the host after the rollback, in a sentence."""
    if served is None:
        return "The live configuration is as it was." if target == live else f"Generation {target} is live again."
    if served == live:
        return "The live configuration is as it was, and nginx serves it as before."
    if served == target:
        return f"Generation {served}, which nginx serves, is live again."
    return f"Generation {target} is live; nginx still runs the configuration that it read before."

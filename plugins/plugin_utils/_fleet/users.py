# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the numeric ID of an app's user, which all hosts of the app have: they may share files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.user_number import choose

GUIDE = 'See "One number for the user" in docs/shared-media.md. Nothing of the app was changed.'

# What module django_users has returned.
Answer = Mapping[str, Any]


def user_number(answers: Mapping[str, Answer], app: str) -> int:
    """Return the ID for the hosts without the user of *app*; *answers* are by host, empty for one that gave none.

    Raise ValueError, which names the hosts, if they have different ones, if one of them needs an ID that is taken, or
    if none is known and a host without an answer may have one.
    """
    silent = [host for host, one in answers.items() if not one]
    answers = {host: one for host, one in answers.items() if one}
    found = {host: int(one["number"]) for host, one in answers.items() if one.get("number")}
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{number} on {host}" for host, number in found.items())
        raise ValueError(
            f"App '{app}': its user has different numbers on its hosts ({shown}), so they cannot share files. Give it "
            f"the same number on all of them. {GUIDE}"
        )
    if not found and answers and silent:
        raise ValueError(
            f"App '{app}': its user is new on {', '.join(answers)}, and {', '.join(silent)} did not say which number "
            "it has there, or which ones are taken. Run this again when it can be reached, or take it out of 'hosts'. "
            f"{GUIDE}"
        )
    free = choose(app, {int(number) for one in answers.values() for number in one["taken"]})
    if not found:
        return free
    first, number = next(iter(found.items()))
    for host, one in answers.items():
        if host not in found and (holder := one["taken"].get(str(number))):
            raise ValueError(
                f"App '{app}': its user has the number {number} on {first}, and on {host} '{holder}' has it. Give "
                f"the user of the app the number {free} on {first}, which is free on all hosts. {GUIDE}"
            )
    return number

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

LONGEST = 2000  # characters


@dataclass(frozen=True)
class Finding:
    """Why a site does not work: one sentence, and the line to add or the command to type.

    It quotes file names, journals, settings and answers, whose content an app decides. So this one place replaces
    control characters and limits the length.
    """

    site: str
    cause: str
    remedy: str

    def __post_init__(self) -> None:
        for name in ("site", "cause", "remedy"):
            text = getattr(self, name)
            text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
            object.__setattr__(self, name, harmless(text))


def guarded(site: str, subject: str, examine: Callable[[], Finding | Iterable[Finding] | None]) -> list[Finding]:
    """Return the findings of *examine*. An exception becomes a finding: one app must not end the whole diagnosis."""
    try:
        found = examine()
        return [] if found is None else [found] if isinstance(found, Finding) else list(found)
    except Exception as error:
        cause = (
            f"The doctor could not examine {subject}: {type(error).__name__}: {error}. The other sites were examined"
        )
        return [Finding(site, f"{cause}.", f"Report this line, with what {site} answers, to Gatehouse's maintainers.")]


def first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Drop findings that repeat the site and the remedy of an earlier one."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault((finding.site, finding.remedy), finding)
    return list(first.values())

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

LONGEST = 2000  # characters
MANY = 20  # answers with one cause


class Symptom(Enum):
    """What a visitor gets because of a setting of the project."""

    BAD_REQUEST = auto()
    REDIRECT = auto()
    FORM = auto()


@dataclass(frozen=True)
class Finding:
    """Why a site does not work: one sentence, and the line to add or the command to type.

    It quotes file names, journals, settings and answers, whose content an app decides. So this one place replaces
    control characters and limits the length.
    """

    site: str
    cause: str
    remedy: str
    # The requests and answers that the cause explains. Empty where the doctor saw it elsewhere, in a log for example.
    explains: tuple[str, ...] = ()
    # The kind of answer that the cause leads to, where it was found without a request.
    symptom: Symptom | None = None
    # The host of the inventory that the cause is on and whose own diagnosis says more, empty for this host.
    host: str = ""

    def __post_init__(self) -> None:
        for name in ("site", "cause", "remedy"):
            object.__setattr__(self, name, _shown(getattr(self, name)))
        object.__setattr__(self, "explains", tuple(map(_shown, self.explains[:MANY])))

    def of(self, *observed: str) -> Finding:
        """The finding as the explanation of *observed*, too."""
        return replace(self, explains=tuple(dict.fromkeys((*self.explains, *observed))))


def _shown(text: str) -> str:
    return harmless(text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")


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
    """Drop findings that repeat the site and the remedy of an earlier one, which then explains their answers, too."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = finding.site, finding.remedy
        first[key] = first[key].of(*finding.explains) if key in first else finding
    return list(first.values())

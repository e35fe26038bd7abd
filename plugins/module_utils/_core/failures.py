# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn every exception of a module into a message: what was attempted, what happened, and the state of the host."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.gatehouse.django.plugins.module_utils._core import disk_space
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

COLLECTION = "ansible_collections/gatehouse/django/"


class Failing(Protocol):
    """The method of AnsibleModule that ends a run with a failure."""

    def fail_json(self, msg: str, **answer: object) -> object:
        """End the run as failed, with *msg* and *answer* as its result."""


@dataclass
class Attempt:
    """What a module is doing, for the message of a failure. The module updates it during the run."""

    # Completes "Failed while ...", and names the app or the site: "reading the live generation of /etc/nginx".
    doing: str
    # The state of the host in whole sentences, or a function that looks at the host and returns them.
    state: str | Callable[[], str] = "Nothing was changed."
    # Removes secrets from a text.
    conceal: Callable[[str], str] = str

    def message(self, error: BaseException) -> str:
        """The message for an unexpected *error*."""
        reason = str(error) or "no message"
        sentences = [f"Failed while {self.doing}: {type(error).__name__}: {reason.rstrip('.')}."]
        if not isinstance(error, OSError):
            # An OSError comes from the system; any other exception is a defect of the collection.
            sentences.append(
                f"This is a defect in gatehouse.django{_location(error)}: please report it with this message."
            )
        return printable(self.conceal(" ".join(filter(None, [*sentences, disk_space.explain(error), self._state()]))))

    def _state(self) -> str:
        if isinstance(self.state, str):
            return self.state
        try:
            return self.state()
        except Exception as error:
            # This error must not hide the first one.
            return f"The state of the host could not be determined ({type(error).__name__}: {error})."


@contextmanager
def explain_failures(module: Failing, attempt: Attempt, refusals: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """End the run with ``fail_json`` for every exception inside, so that no module ends with a traceback.

    The text of one of *refusals* is a complete message. *attempt* describes every other exception.
    """
    try:
        yield
    except Exception as error:
        expected = isinstance(error, refusals)
        msg = printable(attempt.conceal(str(error))) if expected else attempt.message(error)
        # Ansible prints it with -vvv only.
        details = {} if expected else {"exception": printable(attempt.conceal(traceback.format_exc()))}
        module.fail_json(msg=msg, **details)


def printable(text: str) -> str:
    """Escape the bytes of *text* that are not UTF-8 as ``\\xff``, and control characters, which a terminal would obey.

    Programs of others and servers wrote parts of it.
    """
    return harmless(text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace"), "\n\t")


def _location(error: BaseException) -> str:
    """The file, line and function of the collection that raised *error*."""
    inside = [frame for frame in traceback.extract_tb(error.__traceback__) if COLLECTION in frame.filename]
    if not inside:
        return ""
    last = inside[-1]
    return f" ({last.filename.rpartition(COLLECTION)[2]}, line {last.lineno}, in {last.name})"

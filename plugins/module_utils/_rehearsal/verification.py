# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a rehearsal has applied the migrations, and what the operator is told if it has not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import sandbox_errors
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.findings import Migration

UNTOUCHED = "Nothing live was touched."
CONDITIONS = (
    "A rehearsal has copies of the databases, but no uploaded files, no network, no mail, and neither cache nor broker "
    "of the app."
)
EXITED = "the process ended before its last migration and reported no error"


def failure(app: App, migrations: Sequence[Migration], code: int, printed: str) -> str:
    """Return why the process that applies *migrations* ended with *code* after it had *printed* this."""
    failed = next((one.shown for one in migrations if one.ended is None), "")
    what = f"the migration {failed} fails" if failed else "the migrations fail"
    reason = tail(printed) if code else f"{EXITED}\n{tail(printed)}".rstrip()
    lines = [f"rehearse: {what} on a copy of the data:", reason, sandbox_errors.explain(printed, app)]
    return "\n".join(filter(None, [*lines, CONDITIONS, UNTOUCHED]))


def verify(planned: Sequence[str], made: Sequence[Copy], applied: Callable[[Copy], Collection[str]]) -> None:
    """Raise ReleaseError unless the copies have the record of each migration, whatever the process reported.

    *applied* returns the migrations that a copy records.
    """
    known: dict[str, Collection[str]] = {}
    for copy in made:
        known |= dict.fromkeys(copy.aliases, applied(copy))
    for shown in planned:
        name, _space, place = shown.partition(" (database ")
        if name not in known.get(place.removesuffix(")") or "default", ()):
            raise ReleaseError(
                f"rehearse: the migration {shown} was not applied to the copy of the data, although the process that "
                f"applies migrations reported success. {UNTOUCHED}"
            )

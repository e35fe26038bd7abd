# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare what releases answer to the same requests on copies of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

# Host and path, with its query.
Page = tuple[str, str]
# "Much longer": both, so that neither a slow page nor a tiny one is reported for noise.
SLOWER_TIMES = 3
SLOWER_SECONDS = 0.5
MAX_SHOWN = 10
MAX_PATH = 200  # characters
LONG_PART, KEPT_OF_PART = re.compile(r"[^/]{16,}"), 6
# Where Django's own and common packages send a visitor who must log in first.
LOGIN = re.compile(r"log-?in|sign-?in|auth\b|accounts/|sso", re.IGNORECASE)
# What PostgreSQL and SQLite say of a column or table that does not exist, and how it is shown.
MISSING = (
    (re.compile(r'column "(\w+)" of relation "(\w+)" does not exist'), r"the column \2.\1"),
    (re.compile(r"table (\w+) has no column named (\w+)"), r"the column \1.\2"),
    (re.compile(r'column "?([\w.]+)"? does not exist'), r"the column \1"),
    (re.compile(r'no such column: "?([\w.]+)'), r"the column \1"),
    (re.compile(r'relation "([\w.]+)" does not exist'), r"the table \1"),
    (re.compile(r"no such table: ([\w.]+)"), r"the table \1"),
)


@dataclass(frozen=True)
class Visit:
    """The answer to one request: *status* is 0 without one; *reason* is why it failed, from the journal."""

    status: int
    seconds: float
    location: str = ""
    reason: str = ""
    # There is no answer because the rehearsal did not wait for it any longer.
    is_late: bool = False

    @property
    def is_failed(self) -> bool:
        """Return whether the application failed."""
        return not self.status or self.status >= 500

    @property
    def needs_login(self) -> bool:
        """Return whether the visitor is sent to a page to log in. No request of a rehearsal has a session."""
        if self.status not in (301, 302, 303, 307, 308):
            return False
        parts = urlsplit(self.location)
        return bool(LOGIN.search(parts.path)) or "next" in parse_qs(parts.query)

    @property
    def much_longer(self) -> float:
        """Return the seconds above which another answer takes much longer."""
        return max(SLOWER_TIMES * self.seconds, self.seconds + SLOWER_SECONDS)

    @property
    def shown(self) -> str:
        """Return the status for a message."""
        return str(self.status or "no answer")


Visits = Mapping[Page, Visit]


@dataclass(frozen=True)
class Comparison:
    """*lines* for the operator, and the *errors* that are new: sentences of *lines*, too."""

    lines: list[str]
    errors: list[str]


def compare(before: Visits, served: Visits, candidate: Visits, schema: Sequence[str] = ()) -> Comparison:
    """Compare the release that is served on the copy *before* and after the migration, and the *candidate* after it.

    *schema* is what closes the way back besides, as the tables show (schema.closed()).
    """
    known = {page: visit for page, visit in before.items() if not visit.is_failed}
    if not known:
        reason = next((visit.reason for visit in before.values() if visit.reason), "no reason was logged")
        failed = f"Pages were not compared: the release that is served fails on a copy: {reason}."
        return Comparison([*schema, failed], [*schema])
    served, candidate = _without_noise(known, served), _without_noise(known, candidate)
    login = [page for page, visit in known.items() if visit.needs_login]
    closed = list(_closed(known, served))
    # A page that fails for it says more.
    said = {sentence.partition(", which")[0] for sentence in closed}
    closed += [sentence for sentence in schema if sentence.partition(", which")[0] not in said]
    way = [] if closed else ["The way back is open: the release that is served works on the migrated copy."]
    compared = {page: visit for page, visit in known.items() if page not in login and page in candidate}
    errors = list(_new_errors(compared, candidate))
    lines = [*way, *closed, *errors, *_differences(compared, candidate)]
    skipped = f", {len(login)} not compared because they need a login" if login else ""
    return Comparison([*lines, f"Pages: {len(compared)} compared{skipped}."], [*closed, *errors])


def _without_noise(known: Visits, after: Visits) -> dict[Page, Visit]:
    """Return the answers *after* the migrations; a slow page that is late by little counts as one that is answered."""
    return {
        page: replace(visit, status=known[page].status, location=known[page].location)
        if visit.is_late and page in known and visit.seconds <= known[page].much_longer
        else visit
        for page, visit in after.items()
    }


def _closed(known: Visits, served: Visits) -> Iterator[str]:
    """Yield why the release that is served fails after the migrations: each thing that it needs, or its first error."""
    failed = {page: served[page] for page in known if page in served and served[page].is_failed}
    needs = {need: page for page, visit in reversed(failed.items()) if (need := _need(visit.reason))}
    end = "Its visitors see errors from the migration until the switch, and a rollback would not help."
    for need, page in needs.items():
        yield (
            f"The way back is closed: the release that is served needs {need}, which the migrations take away: it "
            f"answers {failed[page].shown} to {_shown(page)} on the migrated copy. {end}"
        )
    first = next(iter(failed.items()), None)
    if first and not needs:
        page, visit = first
        why = f" ({visit.reason})" if visit.reason else ""
        yield (
            f"The way back is closed: the release that is served answers {visit.shown} to {_shown(page)} on the "
            f"migrated copy{why}. {end}"
        )


def _need(reason: str) -> str:
    return next((match.expand(form) for pattern, form in MISSING if (match := pattern.search(reason))), "")


def _new_errors(known: Visits, candidate: Visits) -> Iterator[str]:
    found = [page for page, visit in known.items() if visit.status < 400 and _is_error(candidate[page])]
    for page in found[:MAX_SHOWN]:
        why = f": {candidate[page].reason}" if candidate[page].reason else ""
        yield f"GET {_shown(page)}: {known[page].shown} now, {candidate[page].shown} with the new release{why}."
    yield from _more(found)


def _differences(known: Visits, candidate: Visits) -> Iterator[str]:
    """Yield other statuses that are no errors, and answers that take much longer."""
    others = []
    for page, visit in known.items():
        now, new = visit, candidate[page]
        if visit.status < 400 and _is_error(new):
            continue
        if now.status != new.status:
            others.append(f"GET {_shown(page)}: {now.shown} now, {new.shown} with the new release.")
        elif new.seconds > now.much_longer:
            others.append(f"GET {_shown(page)}: {now.seconds:.1f} s now, {new.seconds:.1f} s with the new release.")
    yield from others[:MAX_SHOWN]
    yield from _more(others)


def _is_error(visit: Visit) -> bool:
    return not visit.status or visit.status >= 400


def _more(found: Sequence[object]) -> Iterator[str]:
    if len(found) > MAX_SHOWN:
        yield f"{len(found) - MAX_SHOWN} more pages differ in this way."


def _shown(page: Page) -> str:
    """The address without what can be a secret of a visitor, like the key of a link that logs in."""
    host, path = page
    path, question, _query = path.partition("?")
    path = LONG_PART.sub(lambda part: f"{part[0][:KEPT_OF_PART]}...", path)
    return harmless(f"{host}{path}{question and '?...'}")[:MAX_PATH]

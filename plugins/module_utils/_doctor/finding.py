# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor says, and what it knows of a site before it asks the app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

LONGEST = 2000  # characters


@dataclass(frozen=True)
class Finding:
    """Why a site does not work: one sentence, and the line to add or the command to type.

    File names, journals, settings and answers are quoted in it, and an app decides what they hold: the text is made
    harmless here, in one place.
    """

    site: str
    cause: str
    remedy: str

    def __post_init__(self) -> None:
        for name in ("site", "cause", "remedy"):
            text = getattr(self, name)
            text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
            object.__setattr__(self, name, harmless(text))


def guarded(
    site: str, what: str, examine: Callable[..., Iterable[Finding]], *args: Any, **options: Any
) -> list[Finding]:
    """What *examine* finds. What it cannot make sense of is a finding too: an app must not end the whole diagnosis."""
    try:
        return list(examine(*args, **options))
    except Exception as error:
        cause = f"The doctor could not examine {what}: {type(error).__name__}: {error}. The other sites were examined"
        return [Finding(site, f"{cause}.", f"Report this line, with what {site} answers, to Gatehouse's maintainers.")]


@dataclass(frozen=True)
class Served:
    """An app as nginx serves it under some names, whoever wrote nginx's configuration."""

    site: str
    names: tuple[str, ...]
    tls: bool
    # The one that visitors use: that of the listening socket.
    port: str
    # Path and the directory that it stands for, by alias or root.
    locations: tuple[tuple[str, str], ...]
    # In bytes, 0 for no limit.
    client_max_body_size: int
    app: str
    # Paths of those locations that are `internal`: only the app can hand such a file out.
    internal: tuple[str, ...] = ()
    # Paths of those locations that ask the app for what is not there (try_files).
    optional: tuple[str, ...] = ()
    # proxy_set_header as it holds where the app is asked for '/', name and value; None for what Gatehouse's sites send.
    headers: tuple[tuple[str, str], ...] | None = None
    # Whether nginx_config has made it: what is to change stands in the inventory then, else in nginx's files.
    managed: bool = True
    # File and line of the location that asks the app.
    where: str = "nginx's location"

    def by_inventory(self, option: str) -> str:
        """The remedy that an option of the site is."""
        return f"Write in the site's entry of django_sites: `{option}`."

    def by_hand(self, directive: str, place: str = "in the location at") -> str:
        """The remedy that a directive of nginx's is."""
        return f"Write {place} {self.where}: `{directive}`, then `systemctl reload nginx`."

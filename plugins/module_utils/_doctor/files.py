# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that nginx looks for, as alias or root of a location say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import access
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.sites import is_static
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

CURRENT = re.compile(rf"{APPS}/([^/]+)/current/")


@dataclass(frozen=True)
class FilePlace:
    """Where nginx looks for a file, and the directive that says so."""

    path: str
    directory: str
    given: Directive | None
    prefix: str

    @property
    def where(self) -> str:
        """The directive with its file and line."""
        return f"{self.given.name} {self.given.args[0]} ({self.given.where})" if self.given else "nginx's default root"

    @property
    def is_alias(self) -> bool:
        """Whether an alias says so, not a root."""
        return self.given is not None and self.given.name == "alias"

    @property
    def is_static(self) -> bool:
        """Whether the directory is for static files."""
        return is_static(self.prefix, self.directory)

    @property
    def app(self) -> str:
        """The app of role django_app in whose served release it is, empty for none."""
        match = CURRENT.match(self.directory)
        return match[1] if match else ""


def place_of(location: Directive, path: str) -> FilePlace:
    """Where nginx looks for the decoded *path*."""
    alias, (kind, prefix) = location.own("alias"), modifier(location)
    if alias and alias.args:
        return FilePlace(alias.args[0] + path.removeprefix(prefix), alias.args[0], alias, prefix)
    root = location.inherited("root")
    directory = root.args[0] if root and root.args else "/usr/share/nginx/html"
    # A prefix location serves one directory below its root.
    below = prefix if location.name == "location" and kind in ("", "^~") else ""
    return FilePlace(directory.rstrip("/") + path, directory.rstrip("/") + below or "/", root, "")


def refusing_rule(location: Directive, client: str) -> Directive | None:
    """The directive by which nginx answers *client* without looking for a file."""
    return location.own("return") or location.own("internal") or access.refusing(location, client)

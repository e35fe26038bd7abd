# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of nginx's configuration: their names, and the locations that answer for them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import location_for, modifier, names
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstreams import TLS_DOMAIN


def real_names(server: Directive) -> list[str]:
    """The server names of *server* that are host names or wildcards, without those for balancers."""
    found = [name for name in names(server) if name not in ("", "_") and not name.startswith("~")]
    return [name for name in found if name not in balancer_names(server)]


def balancer_names(server: Directive) -> list[str]:
    """The server names of *server* that only balancers use, in their handshakes with a web host."""
    return [name for name in names(server) if name.endswith(TLS_DOMAIN)]


def title(server: Directive) -> str:
    """The name of the site in a finding."""
    return next(iter([*real_names(server), *names(server)]), "") or server.where


def visitor_name(server: Directive) -> str | None:
    """A host name that a visitor can request the site by."""
    found = real_names(server)
    plain = [name for name in found if "*" not in name and not name.startswith(".")]
    if plain or not found:
        return plain[0] if plain else None
    return found[0].removeprefix(".").replace("*", "www" if found[0].startswith("*") else "test")


def final_location(server: Directive, path: str) -> Directive:
    """The location of *server*, or the server itself, that answers the decoded *path*.

    Where `try_files` finds no file, its last argument names another location.
    """
    location = location_for(server, path)
    given = location.own("try_files")
    last = given.args[-1] if given and given.args else ""
    named = [one for one in server.children("location") if modifier(one) == ("@", last)]
    if named:
        return named[0]
    return location_for(server, last.partition("?")[0]) if last.startswith("/") else location


def alias_locations(server: Directive) -> Iterator[tuple[Directive, str, str]]:
    """Each prefix location of *server* with an alias, its path, and the directory."""
    for location in server.below("location"):
        alias, (kind, path) = location.own("alias"), modifier(location)
        if alias and alias.args and kind in ("", "^~") and "$" not in alias.args[0]:
            yield location, path, alias.args[0]


def root_locations(server: Directive) -> Iterator[tuple[Directive, str, str]]:
    """Each prefix location of *server* that serves files below a root, its path, and the directory."""
    for location in server.below("location"):
        root, (kind, path) = location.inherited("root"), modifier(location)
        elsewhere = pass_directive(location) or location.own("alias") or location.own("return")
        if not elsewhere and root and root.args and kind in ("", "^~") and "$" not in root.args[0]:
            yield location, path, root.args[0].rstrip("/") + path


def is_static(path: str, directory: str) -> bool:
    """Whether the location is for static files, which a deploy puts there; uploads may be absent."""
    return "static" in path.lower() or "static" in directory.lower()


def sample_file(directory: str) -> str | None:
    """The name of a file below *directory* that a visitor may request, None where there is none."""
    link = None
    for name, entry in untrusted.names(directory):
        if name.startswith(".") or "/." in name:
            continue
        if entry.is_file(follow_symlinks=False):
            return name
        link = link or (name if entry.is_symlink() else None)
    # Where there are only links, nginx's answer to one shows whether it follows them.
    return link

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why nginx does not send a file: 403 and 404 where no application is asked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import permissions, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import app as apps
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import decoded
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import symlinks
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

CURRENT = re.compile(r"/srv/([^/]+)/current/")


@dataclass(frozen=True)
class Place:
    """Where nginx looks for a file, and the directive that says so."""

    path: str
    directory: str
    given: Directive | None
    prefix: str

    @property
    def where(self) -> str:
        """The directive as it stands."""
        return f"{self.given.name} {self.given.args[0]} ({self.given.where})" if self.given else "nginx's default root"


def place_of(location: Directive, path: str) -> Place:
    """Where nginx looks for *path*, as alias or root of *location* have it."""
    alias, (kind, prefix) = location.own("alias"), modifier(location)
    if alias and alias.args:
        return Place(alias.args[0] + path.removeprefix(prefix), alias.args[0], alias, prefix)
    root = location.inherited("root")
    directory = root.args[0] if root and root.args else "/usr/share/nginx/html"
    # What the location is about, where it says so.
    below = prefix if location.name == "location" and kind in ("", "^~") else ""
    return Place(directory.rstrip("/") + path, directory.rstrip("/") + below or "/", root, "")


def explain(host: Host, request: Request, location: Directive, status: int, *, asked_for: bool) -> list[Finding]:
    """Why there is no file to be had. *asked_for* says that the operator has named the page."""
    path = decoded(request.path)
    place = place_of(location, path)
    if "$" in place.path:
        return []  # which file that is depends on the request
    for given in (location.own("return"), location.own("internal"), location.inherited("deny")):
        if given:
            return _by_itself(request, location, given, path, status) if asked_for else []
    slash = place.given is not None and place.given.name == "alias" and place.prefix.endswith("/")
    if slash and not place.directory.endswith("/") and untrusted.is_directory(place.directory):
        cause = f"The alias of location {place.prefix} lacks its last slash: for {path} nginx looks for {place.path}"
        remedy = f"Write 'alias {place.directory}/;' in {place.given.where if place.given else ''}"
        return [Finding(request.site, f"{cause}.", f"{remedy} and `systemctl reload nginx`.")]
    link = _link(location, place.path)
    if link:
        return [_not_followed(request, location, place, link)]
    kept_out = permissions.blocked(host, place.path, "r")
    if kept_out:
        return [Finding(request.site, f"nginx cannot send {place.path}: {kept_out[0]}.", kept_out[1])]
    static = sites.is_static(place.prefix, place.directory)
    app = CURRENT.match(place.directory)
    if app and not os.path.isdir(app[0]):
        none = apps.explain(host.run, request.site, app[1])
        return [none] if none else []
    if static and sites.sample(place.directory) is None:
        return [_collect(request, place, "is empty" if untrusted.is_directory(place.directory) else "is not there")]
    if not asked_for:
        return []
    if untrusted.is_directory(place.path, place.directory):
        cause = f"{path} is the directory {place.path}, which nginx does not list"
        return [Finding(request.site, f"{cause}.", "Ask for a file in it.")]
    is_there = untrusted.link_on(place.path, place.directory) or untrusted.status(place.path, place.directory)
    return [] if is_there else [_absent(request, location, place, path, static)]


def _link(location: Directive, path: str) -> str | None:
    """The symbolic link on the way to *path* that nginx does not follow by the location's disable_symlinks."""
    given = location.inherited("disable_symlinks")
    modes = {nginx: option for option, nginx in symlinks.MODES.items()}
    if given is None or not given.args or given.args[0] not in modes:
        return None
    trusted = next((word.removeprefix("from=") for word in given.args[1:] if word.startswith("from=")), "")
    return symlinks.refused_link(path, modes[given.args[0]], trusted.rstrip("/"))


def _not_followed(request: Request, location: Directive, place: Place, link: str) -> Finding:
    given = location.inherited("disable_symlinks")
    rule = f"'disable_symlinks {' '.join(given.args)}' ({given.where})" if given else ""
    cause = f"nginx does not follow {symlinks.described(link)}, on the way to {place.path}, because of {rule}."
    return Finding(request.site, cause, symlinks.REMEDY)


def _by_itself(request: Request, location: Directive, given: Directive, path: str, status: int) -> list[Finding]:
    said = " ".join((given.name, *given.args))
    cause = f"nginx itself answers {status} to {path}: location {' '.join(location.args)} has '{said}' ({given.where})"
    if given.name == "internal":
        remedy = "Only the application can hand such a file out, with the header X-Accel-Redirect: ask for its own URL."
    else:
        remedy = f"If {path} is to be served, change {given.where}, or ask for another path."
    return [Finding(request.site, f"{cause}.", remedy)]


def _collect(request: Request, place: Place, state: str) -> Finding:
    named = place.given is not None and place.given.name == "alias"
    directory = f"The directory of {place.where}" if named else f"The directory {place.directory}, by {place.where},"
    app = CURRENT.match(place.directory)
    remedy = (
        f"Deploy {app[1]} again, which collects its static files: {apps.DEPLOY}."
        if app
        else f'Run `python manage.py collectstatic` with STATIC_ROOT = "{place.directory.rstrip("/")}".'
    )
    return Finding(request.site, f"{directory} {state}: collectstatic has not been run into it.", remedy)


def _absent(request: Request, location: Directive, place: Place, path: str, static: bool) -> Finding:
    cause = f"There is no file {place.path}, which is where nginx looks for {path}, by {place.where}"
    # A regular expression takes a path away from the prefix that was written for it.
    if modifier(location)[0] in ("~", "~*") and location.parent:
        meant = [one for one, prefix, _alias in sites.published(location.parent) if path.startswith(prefix)]
        if meant:
            first, last = meant[-1], " ".join(location.args)
            cause += f": location {last} ({location.where}) takes it from location {first.args[-1]} ({first.where})"
            remedy = f"Write 'location ^~ {first.args[-1]}' in {first.where} and `systemctl reload nginx`."
            return Finding(request.site, f"{cause}.", remedy)
    app = CURRENT.match(place.directory)
    if static and app:
        remedy = (
            f"If {app[1]} has this file, deploy it again: {apps.DEPLOY}. Else correct the URL, as {{% static %}} does."
        )
    else:
        remedy = f"Put the file there, or correct the URL or {place.given.where if place.given else 'the root'}."
    return Finding(request.site, f"{cause}.", remedy)

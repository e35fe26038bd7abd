# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that does not exist where nginx looks for it."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.files import FilePlace
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier


def explain(visit: Visit) -> Finding | None:
    """The operator named a file that is absent; another location may be the one that is meant."""
    file = visit.file
    if file is None or not visit.is_target:
        return None
    if untrusted.link_on(file.path, file.directory) or untrusted.status(file.path, file.directory):
        return None
    path = visit.request.decoded_path
    cause = f"There is no file {file.path}, which is where nginx looks for {path}, by {file.where}"
    hidden = _hidden_location(visit.location, path)
    if hidden:
        first, last = hidden.args[-1], " ".join(visit.location.args)
        cause += f": location {last} ({visit.location.where}) takes it from location {first} ({hidden.where})"
        remedy = f"Write 'location ^~ {first}' in {hidden.where}, then {places.RELOAD}."
        if visit.host.is_managed(hidden):
            block = f"Let the regular expression of the block 'location {last}' leave out {first}, or remove the block:"
            remedy = f"{block} correct {places.in_snippet(visit.host, visit.location)}."
        return Finding(visit.request.site, f"{cause}.", remedy)
    return Finding(visit.request.site, f"{cause}.", _remedy(visit, file))


def _hidden_location(location: Directive, path: str) -> Directive | None:
    """The prefix location from which a regular expression takes the path."""
    if modifier(location)[0] not in ("~", "~*") or not location.parent:
        return None
    meant = [one for one, prefix, _alias in sites.alias_locations(location.parent) if path.startswith(prefix)]
    return meant[-1] if meant else None


def _remedy(visit: Visit, file: FilePlace) -> str:
    if file.is_static and file.app:
        again = f"If {file.app} has this file, deploy it again: {DEPLOY}."
        return f"{again} Otherwise correct the URL: {{% static %}} writes the right one."
    given = file.given or visit.location
    if visit.host.is_managed(given):
        return f"Put the file there, or correct the URL or {places.in_inventory(given, _option(given))}."
    return f"Put the file there, or correct the URL or {file.given.where if file.given else 'the root'}."


def _option(given: Directive) -> str:
    """The option of a site that makes the directive *given* of a generated file (site.conf.j2)."""
    location = given.parent
    if given.name != "alias" or location is None or places.is_of_snippet(given):
        return "snippet"
    if location.own("internal"):
        return "protected_media"
    policies = [one for one in location.children("add_header") if one.args[:1] == ("Content-Security-Policy",)]
    return "media" if any("sandbox" in word for one in policies for word in one.args) else "static"

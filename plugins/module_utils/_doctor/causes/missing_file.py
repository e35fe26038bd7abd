# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that does not exist where nginx looks for it."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
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
        remedy = f"Write 'location ^~ {first}' in {hidden.where} and `systemctl reload nginx`."
        return Finding(visit.request.site, f"{cause}.", remedy)
    return Finding(visit.request.site, f"{cause}.", _remedy(file))


def _hidden_location(location: Directive, path: str) -> Directive | None:
    """The prefix location from which a regular expression takes the path."""
    if modifier(location)[0] not in ("~", "~*") or not location.parent:
        return None
    meant = [one for one, prefix, _alias in sites.alias_locations(location.parent) if path.startswith(prefix)]
    return meant[-1] if meant else None


def _remedy(file: FilePlace) -> str:
    if file.is_static and file.app:
        again = f"If {file.app} has this file, deploy it again: {DEPLOY}."
        return f"{again} Otherwise correct the URL: {{% static %}} writes the right one."
    return f"Put the file there, or correct the URL or {file.given.where if file.given else 'the root'}."

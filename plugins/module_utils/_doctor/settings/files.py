# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares where a project's files are, and under which address, with what nginx does about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Directory, Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Served

# They send static files themselves.
SENDERS = ("WhiteNoiseMiddleware", "ServeStaticMiddleware")
# It is for the app alone.
MANIFEST = "staticfiles.json"
HOME = "/srv"


def of_files(project: Project, served: Served) -> Iterator[tuple[str, str]]:
    """STATIC_URL and STATIC_ROOT, MEDIA_URL and MEDIA_ROOT."""
    apps = [str(app) for app in project.values["INSTALLED_APPS"] or ()]
    if any(app.startswith("django.contrib.staticfiles") for app in apps):
        sent = any(project.has_middleware(name) for name in SENDERS)
        yield from _of(project, served, "STATIC", is_sent=sent)
    # Whoever gives a site of Gatehouse's no media has an app that hands them out itself.
    yield from _of(project, served, "MEDIA", is_sent=served.managed or _is_internal(project, served))


def _of(project: Project, served: Served, kind: str, is_sent: bool) -> Iterator[tuple[str, str]]:
    """*is_sent*: whether the app sends the files itself where nginx does not."""
    url, root = (str(project.values[f"{kind}_{what}"] or "") for what in ("URL", "ROOT"))
    path = _path(url, served)
    # Without a file in it nobody misses anything, or collectstatic was not run, which is another thing.
    seen = project.directories.get(f"{kind}_ROOT", Directory())
    if not path or not os.path.isabs(root) or not present(seen):
        return
    public = [(where, alias) for where, alias in served.locations if where not in served.internal]
    found = [(where, alias) for where, alias in public if path.startswith(where)]
    if found:
        where, alias = max(found, key=lambda one: len(one[0]))
        # Not joined as paths: that is how nginx does it, with a slash or without.
        directory = alias + path[len(where) :]
        missing = "" if is_same(seen, directory) else absent(seen, directory)
        if missing and not (is_sent and where in served.optional):
            yield (
                f"nginx sends {path} from '{directory}', which has no '{missing}': "
                f"{kind}_ROOT, where the project's files are, is '{root}'.",
                _move(project, served, kind, path, root),
            )
        return
    elsewhere = [where for where, alias in public if is_same(seen, alias)]
    # A part of it may have locations of its own.
    if any(where.startswith(path) for where, _alias in public):
        return
    if elsewhere:
        yield (
            f"{kind}_URL is '{url}', and nginx sends the files of {kind}_ROOT under {elsewhere[0]}, so that no page "
            "finds them.",
            project.line(f"{kind}_URL", elsewhere[0]),
        )
    elif not is_sent:
        yield (
            f"{kind}_URL is '{url}', and nginx has no location that sends the files of {kind}_ROOT, so that no page "
            "finds them.",
            _publish(served, kind, path, root),
        )


def _path(url: str, served: Served) -> str:
    """The path of a STATIC_URL on this site, nothing where files come from another one."""
    parts = urlsplit(url)
    if parts.netloc and parts.hostname not in served.names:
        return ""
    return parts.path if parts.path.endswith("/") else ""


def _is_internal(project: Project, served: Served) -> bool:
    """Whether the app decides who gets a medium, and nginx sends it (X-Accel-Redirect)."""
    root = project.directories.get("MEDIA_ROOT", Directory()).real
    aliases = [os.path.realpath(alias) for where, alias in served.locations if where in served.internal]
    return any(f"{root}/".startswith(f"{alias}/") for alias in aliases)


def lasting(served: Served, root: str) -> str:
    """*root* by the path that stays: a release is another directory each time."""
    current = f"{HOME}/{served.app}/current"
    release = os.path.realpath(current)
    return f"{current}{root[len(release) :]}" if root.startswith(f"{release}/") else root


def _move(project: Project, served: Served, kind: str, path: str, root: str) -> str:
    # Role django_app decides where they are, and the site finds them there, unless the inventory says otherwise.
    if f"{kind}_ROOT" in project.inventory:
        return f"Remove {kind}_ROOT from the app's settings in the inventory."
    return _publish(served, kind, path, root)


def _publish(served: Served, kind: str, path: str, root: str) -> str:
    directory = f"{lasting(served, root).rstrip('/')}/"
    if served.managed:
        return served.by_inventory(f"{kind.lower()}: {{{path}: {directory}}}")
    return served.by_hand(f"location {path} {{ alias {directory}; }}", "beside the location at")


def present(seen: Directory) -> list[str]:
    """The names of its files that visitors ask for."""
    return [name for name in seen.files if os.path.basename(name) != MANIFEST]


def absent(seen: Directory, other: str) -> str:
    """The name of a file that the directory *other* of nginx's configuration lacks, nothing where it has all."""
    for name in present(seen):
        # The app has said this name: it is looked for below *other* only, and through no link there.
        is_inside = not name.startswith("/") and ".." not in name.split("/")
        if is_inside and not _exists(os.path.join(other, name), other):
            return name
    return ""


def _exists(path: str, below: str) -> bool:
    try:
        return untrusted.status(path, below) is not None
    except untrusted.UntrustedPath:
        # Something is there. Why nginx does not send it is another question.
        return True


def is_same(seen: Directory, other: str) -> bool:
    """Whether *other* leads to the same directory."""
    return bool(seen.real) and os.path.realpath(other) == seen.real

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the directories and the URLs of a project's files with nginx's locations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import APPS
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import Comparison
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Directory, Project

# This middleware sends static files itself.
SENDERS = ("WhiteNoiseMiddleware", "ServeStaticMiddleware")
# Only the app reads it.
MANIFEST = "staticfiles.json"


@dataclass(frozen=True)
class Files:
    """The static files or the media of a project."""

    kind: str
    url: str
    root: str
    seen: Directory
    # Whether the app sends the files itself where nginx does not.
    sent_by_app: bool


def check_files(comparison: Comparison) -> Iterator[Finding]:
    """STATIC_URL and STATIC_ROOT, MEDIA_URL and MEDIA_ROOT."""
    project, site = comparison.project, comparison.site
    values = project.values
    if any(app.startswith("django.contrib.staticfiles") for app in values["INSTALLED_APPS"]):
        is_sent = any(project.has_middleware(name) for name in SENDERS)
        files = Files("STATIC", values["STATIC_URL"], values["STATIC_ROOT"], project.static, is_sent)
        yield from _check(comparison, files)
    # A site of Gatehouse's without media has an app that sends them itself.
    is_sent = site.managed or _is_internal(project.media, site)
    files = Files("MEDIA", values["MEDIA_URL"], values["MEDIA_ROOT"], project.media, is_sent)
    yield from _check(comparison, files)


def _check(comparison: Comparison, files: Files) -> Iterator[Finding]:
    project, site = comparison.project, comparison.site
    path = _path(files.url, site)
    # Without a file no visitor misses one, or collectstatic was not run, which is another cause.
    if not path or not os.path.isabs(files.root) or not public_files(files.seen):
        return
    public = [(where, alias) for where, alias in site.locations if where not in site.internal]
    found = [(where, alias) for where, alias in public if path.startswith(where)]
    if found:
        where, alias = max(found, key=lambda one: len(one[0]))
        # nginx concatenates them, with a slash or without: os.path.join would not do the same.
        directory = alias + path[len(where) :]
        missing = "" if is_same(files.seen, directory) else missing_file(files.seen, directory)
        if missing and not (files.sent_by_app and where in site.optional):
            yield comparison.finding(
                f"nginx sends {path} from '{directory}', which has no '{missing}': "
                f"{files.kind}_ROOT, where the project's files are, is '{files.root}'.",
                _directory_remedy(project, site, files, path),
            )
        return
    elsewhere = [where for where, alias in public if is_same(files.seen, alias)]
    # Parts of the directory may have locations of their own.
    if any(where.startswith(path) for where, _alias in public):
        return
    if elsewhere:
        yield comparison.finding(
            f"{files.kind}_URL is '{files.url}', but nginx sends the files of {files.kind}_ROOT under {elsewhere[0]}, "
            "so pages do not find them.",
            _url_remedy(project, site, f"{files.kind}_URL", elsewhere[0]),
        )
    elif not files.sent_by_app:
        yield comparison.finding(
            f"{files.kind}_URL is '{files.url}', but nginx has no location that sends the files of {files.kind}_ROOT, "
            "so pages do not find them.",
            _location_remedy(site, files, path),
        )


def _path(url: str, site: AppSite) -> str:
    """The path of a STATIC_URL on this site, empty where the files come from another one."""
    parts = urlsplit(url)
    if parts.netloc and parts.hostname not in site.names:
        return ""
    return parts.path if parts.path.endswith("/") else ""


def _is_internal(media: Directory, site: AppSite) -> bool:
    """Whether the app decides who gets a file, and nginx sends it (X-Accel-Redirect)."""
    aliases = [os.path.realpath(alias) for where, alias in site.locations if where in site.internal]
    return any(f"{media.real}/".startswith(f"{alias}/") for alias in aliases)


def _url_remedy(project: Project, site: AppSite, name: str, path: str) -> str:
    """The remedy for pages that refer to another path than nginx's *path*."""
    own = "" if site.prefix == "/" else site.prefix
    if project.prefix == own or not path.startswith(site.prefix):
        return project.remedy(name, path)
    was = f"for the prefix {project.prefix}" if project.prefix else "without a prefix"
    option = f"`prefix: {own}`" if own else "no `prefix`"
    return (
        f"The app was deployed {was}, and the site serves it at {site.prefix}. Give its entry in django_apps {option}, "
        f"or none and the site `mounts`, then type `ansible-playbook gatehouse.django.site -e app={site.app}`."
    )


def stable_path(site: AppSite, root: str) -> str:
    """*root* through the link `current`: the directory of a release changes with each deploy."""
    current = f"{APPS}/{site.app}/current"
    release = os.path.realpath(current)
    return f"{current}{root[len(release) :]}" if root.startswith(f"{release}/") else root


def _directory_remedy(project: Project, site: AppSite, files: Files, path: str) -> str:
    # Role django_app sets the directory, and the site publishes that one, unless the inventory says otherwise.
    if f"{files.kind}_ROOT" in project.inventory:
        return f"Remove {files.kind}_ROOT from the app's settings in the inventory."
    return _location_remedy(site, files, path)


def _location_remedy(site: AppSite, files: Files, path: str) -> str:
    directory = f"{stable_path(site, files.root).rstrip('/')}/"
    if not commands.is_plain(path) or not commands.is_plain(directory):
        return f"Publish the directory of {files.kind}_ROOT under {files.kind}_URL. One of them has unusual characters."
    if site.managed:
        return site.inventory_remedy(f"{files.kind.lower()}: {{{path}: {directory}}}")
    return site.nginx_remedy(f"location {path} {{ alias {directory}; }}", "beside the location at")


def public_files(seen: Directory) -> list[str]:
    """The names of its files that visitors request."""
    return [name for name in seen.files if os.path.basename(name) != MANIFEST]


def missing_file(seen: Directory, other: str) -> str:
    """The name of a file that the directory *other* of nginx's configuration lacks, empty where it has all."""
    for name in public_files(seen):
        # The app reported this name: look for it only below *other*, and through no link there.
        is_inside = not name.startswith("/") and ".." not in name.split("/")
        if is_inside and not _exists(os.path.join(other, name), other):
            return name
    return ""


def _exists(path: str, below: str) -> bool:
    try:
        return untrusted.status(path, below) is not None
    except untrusted.UntrustedPath:
        # Something exists there. Why nginx does not send it is another question.
        return True


def is_same(seen: Directory, other: str) -> bool:
    """Whether *other* leads to the same directory."""
    return bool(seen.real) and os.path.realpath(other) == seen.real

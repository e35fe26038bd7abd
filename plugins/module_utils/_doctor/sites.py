# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nginx's configuration says of a site: its names, where its requests go, and which of them are worth a try."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Served
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import (
    Listen,
    location_for,
    modifier,
    names,
)

PASSES = ("proxy_pass", "uwsgi_pass", "fastcgi_pass")
APP = re.compile(r"unix:/srv/([^/]+)/current/web\.sock")
UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}


def real_names(server: Directive) -> list[str]:
    """The names of *server* that are names or wildcards."""
    return [name for name in names(server) if name not in ("", "_") and not name.startswith("~")]


def title(server: Directive) -> str:
    """What the site is called in a finding."""
    return next(iter([*real_names(server), *names(server)]), "") or server.where


def visitable(server: Directive) -> str | None:
    """A name under which a visitor could ask for the site."""
    found = real_names(server)
    plain = [name for name in found if "*" not in name and not name.startswith(".")]
    if plain or not found:
        return plain[0] if plain else None
    return found[0].removeprefix(".").replace("*", "www" if found[0].startswith("*") else "test")


def handler(server: Directive, location: Directive) -> Directive:
    """The location that answers in the end where `try_files` of *location* finds no file: its last word names it."""
    given = location.own("try_files")
    last = given.args[-1] if given and given.args else ""
    named = [one for one in server.children("location") if modifier(one) == ("@", last)]
    if named:
        return named[0]
    return location_for(server, last.partition("?")[0]) if last.startswith("/") else location


def passed_to(location: Directive) -> Directive | None:
    """The directive that hands the requests of *location* to an application."""
    return next((found for name in PASSES if (found := location.own(name))), None)


def addresses(location: Directive) -> list[str]:
    """Where the application of *location* is: ``unix:/path`` or ``host:port``. None where that depends on variables."""
    given = passed_to(location)
    target = given.args[0] if given and given.args else ""
    scheme, _separator, rest = target.rpartition("://") if "://" in target else ("", "", target)
    name = rest if rest.startswith("unix:") else rest.partition("/")[0]
    main = location
    while main.parent:
        main = main.parent
    for http in main.children("http"):
        for upstream in http.children("upstream"):
            if upstream.args and upstream.args[0].lower() == name.lower():
                return [_address(one.args[0], "80") for one in upstream.children("server") if "down" not in one.args]
    return [] if not name or "$" in target else [_address(name, "443" if scheme == "https" else "80")]


def _address(given: str, port: str) -> str:
    if given.startswith("unix:"):
        return f"unix:{given[5:].partition(':')[0]}"
    return given if re.search(r":\d+$", given) else f"{given}:{port}"


def app_of(location: Directive) -> str:
    """The app of role django_app that *location* hands its requests to, or nothing."""
    found = [match[1] for address in addresses(location) if (match := APP.fullmatch(address))]
    return found[0] if found else ""


def proxied(server: Directive) -> Iterator[Directive]:
    """The locations of *server* that hand their requests to an application."""
    return (one for one in server.below("location") if passed_to(one))


def published(server: Directive) -> Iterator[tuple[Directive, str, str]]:
    """The locations of *server* that begin with a path and alias a directory: themselves, path and directory."""
    for location in server.below("location"):
        alias, (kind, path) = location.own("alias"), modifier(location)
        if alias and alias.args and kind in ("", "^~") and "$" not in alias.args[0]:
            yield location, path, alias.args[0]


def rooted(server: Directive) -> Iterator[tuple[Directive, str, str]]:
    """As published(), of those locations that find their files below a root."""
    for location in server.below("location"):
        root, (kind, path) = location.inherited("root"), modifier(location)
        elsewhere = passed_to(location) or location.own("alias") or location.own("return")
        if not elsewhere and root and root.args and kind in ("", "^~") and "$" not in root.args[0]:
            yield location, path, root.args[0].rstrip("/") + path


def is_static(path: str, directory: str) -> bool:
    """Whether it is static files that are published there, which are there from the start; uploads need not be."""
    return "static" in path.lower() or "static" in directory.lower()


def sample(directory: str) -> str | None:
    """The name of a file in *directory* that a visitor may ask for, None where there is none."""
    link = None
    for name, entry in untrusted.names(directory):
        if name.startswith(".") or "/." in name:
            continue
        if entry.is_file(follow_symlinks=False):
            return name
        link = link or (name if entry.is_symlink() else None)
    # Nothing but links: nginx says what it makes of them.
    return link


def body_limit(location: Directive) -> tuple[int, str]:
    """How many bytes a request's body may have (0: any number), and where that is said."""
    given = location.inherited("client_max_body_size")
    if not given or not given.args:
        return 1024**2, "nginx's default"
    match = re.fullmatch(r"(\d+)([kmg]?)", given.args[0].lower())
    return int(match[1]) * UNITS.get(match[2], 1) if match else 0, given.where


def served(listens: Sequence[Listen], conf_dir: str) -> list[Served]:
    """The apps that nginx serves, for the comparison with their projects' settings."""
    found = {}
    # The address that visitors are meant to use is the one with TLS.
    for one in sorted(listens, key=lambda one: not one.tls):
        of_app = [location for location in proxied(one.server) if app_of(location)]
        if one.server in found or not of_app or not real_names(one.server):
            continue
        root = handler(one.server, location_for(one.server, "/"))
        root = root if app_of(root) else of_app[0]
        managed = one.server.path.startswith(f"{conf_dir}/gatehouse/")
        files = [*published(one.server), *rooted(one.server)]
        found[one.server] = Served(
            site=title(one.server),
            names=tuple(real_names(one.server)),
            tls=one.tls,
            port=one.port,
            locations=tuple((path, directory) for _location, path, directory in files),
            client_max_body_size=body_limit(root)[0],
            app=app_of(root),
            internal=tuple(path for location, path, _directory in files if location.own("internal")),
            optional=tuple(path for location, path, _directory in files if location.own("try_files")),
            headers=None if managed else headers(root),
            managed=managed,
            where=root.where,
        )
    return list(found.values())


def headers(block: Directive | None) -> tuple[tuple[str, str], ...]:
    """What nginx sets of the headers that it sends on. They are inherited only by a block that has none itself."""
    while block and not block.children("proxy_set_header"):
        block = block.parent
    given = block.children("proxy_set_header") if block else []
    return tuple((one.args[0], one.args[1]) for one in given if len(one.args) == 2)

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the private git repositories of a list of dependencies to the host, so that uv needs no credentials.

The code of dependencies runs in the unit of uv. So git copies the repositories before, in a unit of its own in which no
such code runs, and git's insteadOf makes uv use the copies. The copies are new for each build: earlier code of the
project could have configured an older one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._app import dependency_files as files
from ansible_collections.gatehouse.django.plugins.module_utils._app import requirements_files
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependencies import DependencyList
from ansible_collections.gatehouse.django.plugins.module_utils._app.git import git_clone
from ansible_collections.gatehouse.django.plugins.module_utils._app.git_access import SSH_URL, Access
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

# A requirement like `name @ git+https://example.com/lib.git@v1#subdirectory=x`; PEP 508 and pip.
REQUIREMENT = re.compile(r"git\+((?:https?|ssh)://[^\s\"'\\#;,<>?${}]+)(?!\$)")
SCP = re.compile(r"([^/:@\s]+@[^/:\s]+):(?!/)(\S+)")


def private_urls(found: DependencyList, requirements: Sequence[str], access: Access) -> list[str]:
    """Return the URLs of git repositories in the list and in *requirements* for which *access* has a credential."""
    named = dict.fromkeys(
        _without_version(match[1]) for text in _texts(found, requirements) for match in REQUIREMENT.finditer(text)
    )
    given = [one["url"] for one in access["credentials"] if one["authorization"] or one["deploy_key"]]
    chosen = [url for url in named if any(_covers(credential, url) for credential in given)]
    # git takes insteadOf for the beginning of a URL: a copy of `lib` would stand for `lib2`, too.
    return [url for url in named if any(url.startswith(one) for one in chosen)]


@contextmanager
def copied(
    builder: Builder, urls: Sequence[str], access: Access, release: str, owner: tuple[int, int]
) -> Iterator[dict[str, str]]:
    """Keep copies of the repositories *urls* in the directory *release* for a time; yield variables for uv.

    The building user, *owner*, writes them. Nothing of an earlier build may be there.
    """
    if not urls:
        yield {}
        return
    directory = os.path.join(release, "git")
    configuration = f"{directory}.config"
    try:
        os.mkdir(directory, 0o755)
        os.chown(directory, *owner)
        places = {url: os.path.join(directory, str(number)) for number, url in enumerate(urls)}
        git_clone(builder, places, access, directory)
        with open(configuration, "w", encoding="utf-8") as file:
            file.write("".join(_configuration(places)))
        os.chmod(configuration, 0o644)
        yield {"GIT_CONFIG_GLOBAL": configuration, "GIT_TERMINAL_PROMPT": "0"}
    finally:
        tree.remove_tree(directory)
        tree.remove_tree(configuration)


def _configuration(places: Mapping[str, str]) -> Iterator[str]:
    for url, place in places.items():
        quoted = url.replace("\\", "\\\\").replace('"', '\\"')
        yield f'[url "{place}"]\n\tinsteadOf = "{quoted}"\n'


def _texts(found: DependencyList, requirements: Sequence[str]) -> Iterator[str]:
    yield from requirements
    if found.kind == files.REQUIREMENTS:
        yield from (text or "" for text, _lines in requirements_files.chain([found.path], found.top))
    elif found.kind:
        yield from _strings(files.parsed(found.top, found.path))
        beside = {os.path.dirname(found.path), found.directory}
        for path in (os.path.join(one, name) for one in sorted(beside) for name in ("pyproject.toml", "Pipfile")):
            yield from _strings(files.toml(found.top, path))


def _strings(value: object) -> Iterator[str]:
    """Yield the strings in *value* at any depth, and each place of a git repository as in a requirement."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            place = one.get("git") or (one.get("url") if one.get("type") == "git" else None)
            if isinstance(place, str):
                yield f"git+{_as_url(place)}"
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _as_url(place: str) -> str:
    """Return `git@example.com:lib.git` as the URL that poetry and pipenv write into a requirement."""
    scp = SCP.fullmatch(place)
    return f"ssh://{scp[1]}/{scp[2]}" if scp else place


def _without_version(url: str) -> str:
    scheme, _colon, rest = url.partition("://")
    server, _slash, path = rest.partition("/")
    return f"{scheme}://{server}/{path.partition('@')[0]}"


def _covers(credential: str, url: str) -> bool:
    """Return whether *credential*, the URL of a repository or of all repositories below it, is for *url*."""
    ours, theirs = _parts(credential), _parts(url)
    if ours[0] != theirs[0]:
        return False
    return f"{theirs[1]}/".startswith(f"{ours[1]}/" if ours[1] else "") if credential.endswith("/") else ours == theirs


def _parts(url: str) -> tuple[str, str]:
    """Return server and path of *url* in a form that can be compared."""
    ssh = SSH_URL.fullmatch(url)
    if ssh:
        server = f"ssh://{ssh[1] or ssh[5] or ''}@{(ssh[2] or ssh[6]).lower()}:{ssh[3] or 22}"
        return server, _path(ssh[4] or ssh[7] or "")
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}", _path(parts.path)


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git")

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetch the source of a release: from git or an archive. A package from an index has none.

git and the unpackers read untrusted input, so they run as the app's building user.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, tail
from ansible_collections.gatehouse.django.plugins.module_utils._core import tree

COMMIT = re.compile(r"[0-9a-f]{40}")
Fetch = Callable[[str], BinaryIO]
# The maximal size of a file that lists dependencies.
MAX_LIST_BYTES = 32 << 20

# The unit has a private /tmp. git must not read configuration from the home of the building user, where earlier builds
# could write. git refuses a repository of another user (file://) without safe.directory. It refuses `ext::` URLs and
# local paths of submodules by default (git-config(1), protocol.allow).
GIT = """
set -eu
umask 077
printf '[safe]\n\tdirectory = *\n' > /tmp/gitconfig
ssh="ssh -F /dev/null -o BatchMode=yes"
if [ -n "${GATEHOUSE_DEPLOY_KEY:-}" ]; then
    printf '%s\n' "$GATEHOUSE_DEPLOY_KEY" > /tmp/deploy_key
    ssh="$ssh -i /tmp/deploy_key -o IdentitiesOnly=yes"
fi
if [ -n "${GATEHOUSE_KNOWN_HOSTS:-}" ]; then
    printf '%s\n' "$GATEHOUSE_KNOWN_HOSTS" > /tmp/known_hosts
    ssh="$ssh -o UserKnownHostsFile=/tmp/known_hosts -o StrictHostKeyChecking=yes"
fi
unset GATEHOUSE_DEPLOY_KEY GATEHOUSE_KNOWN_HOSTS
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-$ssh}" GIT_CONFIG_GLOBAL=/tmp/gitconfig GIT_TERMINAL_PROMPT=0
umask 022
"""
LIST_REFS = f'{GIT}exec git ls-remote "$@"'
# Some servers serve only commits that a branch or a tag points to.
CHECKOUT = f"""{GIT}
git init --quiet .
git remote add origin "$1"
git fetch --quiet --depth 1 origin "$2" || git fetch --quiet --tags origin '+refs/heads/*:refs/remotes/origin/*'
git checkout --quiet --detach "$2"
rm -f /tmp/deploy_key
if [ -e .gitmodules ]; then git submodule --quiet update --init --recursive --depth 1; fi
"""


def git_environment(url: str, access: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with which git authenticates: its arguments are visible to all users of the host.

    *access* can have `authorization` (user:password), `deploy_key` and `known_hosts`.
    """
    environment = {"HOME": "/nonexistent"}
    if access.get("deploy_key"):
        environment["GATEHOUSE_DEPLOY_KEY"] = access["deploy_key"].strip()
    if access.get("known_hosts"):
        environment["GATEHOUSE_KNOWN_HOSTS"] = access["known_hosts"].strip()
    if access.get("authorization"):
        encoded = base64.b64encode(access["authorization"].encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            # Only for this URL: a submodule can name any other URL of the server.
            "GIT_CONFIG_KEY_0": f"http.{url}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {encoded}",
        }
    return environment


def git_commit(builder: Builder, source: Mapping[str, Any], access: Mapping[str, str]) -> str:
    """Resolve the version of the source to a commit."""
    url, version = str(source["git"]), str(source.get("version") or "HEAD")
    if COMMIT.fullmatch(version):
        return version
    refs = (
        ["HEAD"]
        if version == "HEAD"
        else [f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}"]
    )
    code, out, err = builder.attempt(["sh", "-c", LIST_REFS, "git", url, *refs], env=git_environment(url, access))
    if code != 0:
        raise ReleaseError(
            f"source: the host cannot read the git repository '{url}': {tail(err or out)}\n"
            "Check the address. A private repository needs source.deploy_key (ssh) or a token in the URL (https); a "
            "repository on the host itself must be readable by any user."
        )
    found = {ref: commit for commit, _tab, ref in (line.partition("\t") for line in out.splitlines())}
    for ref in refs:
        if COMMIT.fullmatch(found.get(ref, "")):
            return found[ref]
    raise ReleaseError(
        f"source: the git repository '{url}' has no branch or tag '{version}'. "
        "Set version to an existing one, or to a full commit of 40 digits."
    )


def git_checkout(
    builder: Builder, source: Mapping[str, Any], commit: str, access: Mapping[str, str], target: str
) -> None:
    """Check out *commit* with its submodules into *target*."""
    url = str(source["git"])
    argv = ["sh", "-c", CHECKOUT, "git", url, commit]
    code, out, err = builder.attempt(argv, writable=[target], cwd=target, env=git_environment(url, access))
    if code != 0:
        raise ReleaseError(f"source: git cannot check out {commit} of '{url}' ({code}):\n{tail(err or out)}")


def download(fetch: Fetch, url: str, checksum: str, target: str) -> None:
    """Download *url* to *target*; raise ReleaseError unless its content has the *checksum* (`algorithm:digest`)."""
    algorithm, _colon, expected = checksum.partition(":")
    found = hashlib.new(algorithm)
    try:
        with fetch(url) as answer, open(target, "wb") as file:
            while block := answer.read(1 << 20):
                found.update(block)
                file.write(block)
    except OSError as error:
        raise ReleaseError(f"source: the host cannot fetch '{url}': {error}") from error
    if found.hexdigest() != expected.lower():
        raise ReleaseError(
            f"source: '{url}' has the checksum {algorithm}:{found.hexdigest()}, but {checksum} is expected"
        )


def unpack(builder: Builder, python: str, archive: str, target: str) -> None:
    """Unpack *archive* into *target*; *python* is an interpreter of the host."""
    if zipfile.is_zipfile(archive):
        argv = [python, "-I", "-m", "zipfile", "--extract", archive, target]
    else:
        flags = ["--no-same-owner", "--no-same-permissions"]
        argv = ["tar", "--extract", *flags, "--file", archive, "--directory", target]
    builder.run(argv, writable=[target], cwd=target)


def unwrap(target: str) -> None:
    """Remove the single top directory that release archives often have."""
    entries = os.listdir(target)
    wrapped = os.path.join(target, entries[0]) if len(entries) == 1 else ""
    if os.path.isdir(wrapped) and not os.path.islink(wrapped):
        inner = f"{target}.inner"
        os.rename(wrapped, inner)
        os.rmdir(target)
        os.rename(inner, target)


def add_files(target: str, project: str, files: Mapping[str, str], owner: tuple[int, int]) -> None:
    """Write *files*, contents by path below *project*, into the source *target*, and replace existing files."""
    for name, content in files.items():
        path = os.path.relpath(os.path.join(project, name), target)
        if path.startswith(".."):
            raise ReleaseError(f"files: '{name}' would be outside of the source: use a path inside of it")
        # The file can contain passwords: only protect() lets the app read it.
        tree.write_file(target, path, content, owner)


def read(top: str, path: str) -> str | None:
    """Return the text of a file in the source *top*, which no build changes any more; None if it is no such file."""
    resolved, inside = os.path.realpath(path), os.path.join(os.path.realpath(top), "")
    # Check before opening: opening a device can have side effects.
    if not resolved.startswith(inside):
        return None
    try:
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_LIST_BYTES:
        os.close(descriptor)
        return None
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        return file.read()


def protect(target: str, owner: int, group: int) -> None:
    """Let only root and the app read the source: settings files can contain passwords."""
    tree.take_over(target, owner, tree.Access(0, group, directory=0o750, file=0o640, program=0o750))


def forget_history(target: str) -> None:
    """Remove the directory .git: the release does not need it."""
    tree.remove_tree(os.path.join(target, ".git"))

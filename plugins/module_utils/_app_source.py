# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings the source of a release onto the host: git, an archive, or nothing for a package from an index."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools

COMMIT = re.compile(r"[0-9a-f]{40}")
Fetch = Callable[[str], BinaryIO]


def git_environment(url: str, authorization: str) -> dict[str, str]:
    """Git must never wait for an answer, and what it needs to authenticate must not stand in its arguments."""
    environment = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    if authorization:
        server = "/".join(url.split("/")[:3])
        encoded = base64.b64encode(authorization.encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {encoded}",
        }
    return environment


def git_commit(tools: Tools, source: Mapping[str, Any], authorization: str) -> str:
    """The commit that the source's version means at this moment."""
    url, version = str(source["git"]), str(source.get("version") or "HEAD")
    if COMMIT.fullmatch(version):
        return version
    wanted = (
        ["HEAD"]
        if version == "HEAD"
        else [f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}"]
    )
    code, out, err = tools.attempt(["git", "ls-remote", url, *wanted], env=git_environment(url, authorization))
    if code != 0:
        raise ReleaseError(
            f"source: the git repository '{url}' does not answer on the host: {err.strip() or out.strip()}\n"
            "Check the address, and that root on the host may read it (a deploy key, or a token in the URL)."
        )
    found = {ref: commit for commit, _tab, ref in (line.partition("\t") for line in out.splitlines())}
    for ref in wanted:
        if ref in found:
            return found[ref]
    raise ReleaseError(
        f"source: the git repository '{url}' has no branch and no tag '{version}'. "
        "Give version an existing one, or a commit by all its 40 digits."
    )


def git_checkout(tools: Tools, source: Mapping[str, Any], commit: str, authorization: str, target: str) -> None:
    """The files of *commit* in *target*, with their submodules and without history."""
    env = git_environment(str(source["git"]), authorization)
    tools.run(["git", "init", "--quiet", target], env=env)
    tools.run(["git", "remote", "add", "origin", str(source["git"])], cwd=target, env=env)
    shallow = ["git", "fetch", "--quiet", "--depth", "1", "origin", commit]
    if tools.attempt(shallow, cwd=target, env=env)[0] != 0:
        # Some servers give out only what a branch or a tag points to.
        tools.run(["git", "fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"], target, env)
    tools.run(["git", "checkout", "--quiet", "--detach", commit], cwd=target, env=env)
    if os.path.exists(os.path.join(target, ".gitmodules")):
        tools.run(["git", "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"], target, env)


def download(fetch: Fetch, url: str, checksum: str, target: str) -> None:
    """The file at *url* as *target*, if its content is what *checksum* (`algorithm:digest`) says."""
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
            f"source: '{url}' has the checksum {algorithm}:{found.hexdigest()}, not the expected {checksum}"
        )


def unpack(tools: Tools, archive: str, target: str) -> None:
    """The files of *archive* in *target*."""
    os.makedirs(target, exist_ok=True)
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            file.extractall(target)
    else:
        flags = ["--no-same-owner", "--no-same-permissions"]
        tools.run(["tar", "--extract", *flags, "--file", archive, "--directory", target])


def unwrap(target: str) -> None:
    """Without the single directory that release archives wrap around their files."""
    entries = os.listdir(target)
    wrapped = os.path.join(target, entries[0]) if len(entries) == 1 else ""
    if os.path.isdir(wrapped) and not os.path.islink(wrapped):
        inner = f"{target}.inner"
        os.rename(wrapped, inner)
        os.rmdir(target)
        os.rename(inner, target)


def add_files(target: str, project: str, files: Mapping[str, str]) -> None:
    """Write *files*, contents by path below *project*, over what the source *target* has there."""
    top = os.path.join(os.path.realpath(target), "")
    for name, content in files.items():
        directory, file = os.path.split(os.path.join(project, name))
        # The source may hold links.
        if not os.path.join(os.path.realpath(directory), "").startswith(top):
            raise ReleaseError(f"files: '{name}' would lie outside of the source")
        os.makedirs(directory, exist_ok=True)
        with suppress(FileNotFoundError):
            os.remove(os.path.join(directory, file))
        # There may be passwords in it, and who may read it is decided at the end.
        handle = os.open(os.path.join(directory, file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as written:
            written.write(content)


def protect(target: str, group: int) -> None:
    """Let root and the app alone read the source: settings files have held passwords before."""
    for path, directories, files in os.walk(target):
        for name in [*directories, *files]:
            entry = os.path.join(path, name)
            os.lchown(entry, 0, group)
            mode = os.lstat(entry).st_mode
            if not stat.S_ISLNK(mode):
                os.chmod(entry, 0o750 if stat.S_ISDIR(mode) or mode & 0o100 else 0o640)
    os.chown(target, 0, group)
    os.chmod(target, 0o750)


def forget_history(target: str) -> None:
    """Remove git's own files: nothing that runs needs them."""
    shutil.rmtree(os.path.join(target, ".git"), ignore_errors=True)

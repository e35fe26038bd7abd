# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read git repositories as the app's building user: resolve a version to a commit, and check it out."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
from collections.abc import Mapping, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app import git_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.git_errors import explain
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Source
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

COMMIT = re.compile(r"[0-9a-f]{40}")
# curl, and so git, waits five minutes for a server that does not answer.
ANSWER_SECONDS = 60
TIMED_OUT = 124  # timeout(1)
LIST_REFS = f'exec timeout {ANSWER_SECONDS} git ls-remote "$@"\n'
# git refuses `ext::` URLs and local paths of submodules by default (git-config(1), protocol.allow). Some servers serve
# only commits that a branch or a tag points to. The configuration of the host can have filters of git-lfs.
CHECKOUT = """
if [ "$3" != yes ]; then export GIT_LFS_SKIP_SMUDGE=1; fi
git init --quiet .
git remote add origin "$1"
git fetch --quiet --depth 1 origin "$2" || git fetch --quiet --tags origin '+refs/heads/*:refs/remotes/origin/*'
git checkout --quiet --detach "$2"
"""
SUBMODULES = """
if [ -e .gitmodules ]; then git submodule --quiet update --init --recursive --depth 1; fi
"""
# Name one file that the release would get as a pointer instead of its content.
USES_LFS = 87
FIND_LFS = f"""
list="git ls-files -- ':(attr:filter=lfs)'"
pointer=$({{ eval "$list"; git submodule --quiet foreach --recursive "$list"; }} | head -n 1)
if [ -n "$pointer" ]; then printf '%s' "$pointer"; exit {USES_LFS}; fi
"""

# All branches and tags: a list of dependencies can name any of them, or a commit that the server does not serve alone.
CLONE = """
while [ $# -gt 0 ]; do
    git clone --quiet --bare --template= -- "$1" "$2"
    git -C "$2" config uploadpack.allowAnySHA1InWant true
    shift 2
done
"""

# Without the contents of other files, if the server can leave them out. base64(1) because a file can contain any byte.
READ_FILES = """
git init --quiet /var/tmp/look
cd /var/tmp/look
git remote add origin "$1"
commit=$2
git fetch --quiet --depth 1 --filter=blob:none origin "$commit" ||
    git fetch --quiet --filter=blob:none --tags origin '+refs/heads/*:refs/remotes/origin/*'
shift 2
for path; do
    case $(git ls-tree "$commit" -- "$path") in
    100*) printf '%s\t%s\n' "$path" "$(git cat-file blob "$commit:$path" | base64 --wrap=0)" ;;
    esac
done
"""


def git_commit(builder: Builder, source: Source, access: git_access.Access) -> str:
    """Resolve the version of the source to a commit."""
    url, version = str(source["git"]), str(source.get("version") or "HEAD")
    if COMMIT.fullmatch(version):
        return version
    refs = (
        ["HEAD"]
        if version == "HEAD"
        else [f"refs/tags/{version}^{{}}", f"refs/tags/{version}", f"refs/heads/{version}"]
    )
    found = {ref: commit for commit, _tab, ref in (line.partition("\t") for line in _refs(builder, url, refs, access))}
    for ref in refs:
        if COMMIT.fullmatch(found.get(ref, "")):
            return found[ref]
    raise ReleaseError(
        f"source: the git repository '{url}' has no branch or tag '{version}'. "
        "Set version to an existing one, or to a full commit of 40 digits."
    )


def check_access(builder: Builder, source: Source, access: git_access.Access) -> str:
    """Raise ReleaseError if the host cannot read one of the repositories that *source* names.

    Return a warning if that cannot be asked. git_commit() has read the repository unless the version is a commit.
    """
    if not source.get("git") and len(access["credentials"]) == 1:
        return ""
    if shutil.which("git") is None:
        return (
            f"source: the host has no git yet. A deployment installs it; whether the host can read the repository "
            f"'{source.get('git') or access['credentials'][1]['url']}' is not known before."
        )
    first = [str(source["git"])] if source.get("git") and COMMIT.fullmatch(str(source.get("version") or "")) else []
    # A URL that ends with '/' is not that of a repository.
    others = [entry["url"] for entry in access["credentials"][1:] if not entry["url"].endswith("/")]
    for url in [*first, *others]:
        _refs(builder, url, ["HEAD"], access)
    return ""


def git_files(
    builder: Builder, source: Source, commit: str, access: git_access.Access, paths: Sequence[str]
) -> dict[str, str]:
    """Return the contents of those of *paths* that are files in *commit*; none if git cannot read them."""
    _code, out, _err = _run(builder, READ_FILES, [str(source["git"]), commit, *paths], access)
    found = {}
    for path, _tab, content in (line.partition("\t") for line in out.splitlines()):
        with contextlib.suppress(ValueError):
            found[path] = base64.b64decode(content, validate=True).decode("utf-8", errors="replace")
    return {path: found[path] for path in paths if path in found}


def git_checkout(builder: Builder, source: Source, commit: str, access: git_access.Access, target: str) -> None:
    """Check out *commit* into *target*, with its submodules and the files of Git LFS if the source asks for them."""
    url, lfs = str(source["git"]), source.get("lfs")
    submodules = SUBMODULES if source.get("submodules", True) else ""
    steps = f"{CHECKOUT}{submodules}{FIND_LFS if lfs is None else ''}"
    arguments = [url, commit, "yes" if lfs else "no"]
    code, out, err = _run(builder, steps, arguments, access, lfs=bool(lfs), target=target)
    if code == USES_LFS and not lfs:
        raise ReleaseError(
            f"source: the repository '{url}' stores files with Git LFS, like '{out}', and without it the release gets "
            "pointers to them. Set lfs in source to true to fetch them (this installs git-lfs), or to false if the app "
            "does not need them."
        )
    if code != 0:
        raise ReleaseError(f"source: git cannot check out {commit} of '{url}' ({code}):\n{explain(err or out)}")


def git_clone(builder: Builder, places: Mapping[str, str], access: git_access.Access, directory: str) -> None:
    """Copy whole repositories, places in *directory* by URL."""
    arguments = [word for pair in places.items() for word in pair]
    code, out, err = _run(builder, CLONE, arguments, access, target=directory)
    if code != 0:
        raise ReleaseError(
            f"the dependencies name git repositories ({', '.join(places)}) that the host cannot copy ({code}): "
            f"{explain(err or out)}"
        )


def _refs(builder: Builder, url: str, refs: Sequence[str], access: git_access.Access) -> list[str]:
    code, out, err = _run(builder, LIST_REFS, [url, *refs], access)
    if code == TIMED_OUT:
        err += f"\nConnection timed out: no answer within {ANSWER_SECONDS} seconds"
    if code != 0:
        raise ReleaseError(f"source: the host cannot read the git repository '{url}': {explain(err or out)}")
    return out.splitlines()


def _run(
    builder: Builder,
    steps: str,
    arguments: Sequence[str],
    access: git_access.Access,
    *,
    lfs: bool = False,
    target: str = "",
) -> tuple[int, str, str]:
    contents = git_access.files(access, lfs=lfs)
    argv = ["sh", "-c", f"{git_access.script(list(contents))}{steps}", "git", *arguments]
    env = git_access.variables(contents)
    return builder.attempt(argv, writable=[target] if target else [], cwd=target or "/", env=env)

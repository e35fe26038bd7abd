# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List the files of a source directory on the controller. git itself applies .gitignore and all other patterns."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence

# Untracked files with these names (gitignore(5)) are of development: secrets, virtual environments, caches, databases.
# The host makes its own, and must never get the developer's.
UNTRACKED = (
    *(".env", ".env.*", ".envs/", ".envrc", ".direnv/", ".venv/", "node_modules/", "db.sqlite3*"),
    *(".hg/", ".svn/", "__pycache__/", "*.pyc", ".tox/", ".nox/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/"),
    *(".idea/", ".vscode/", ".DS_Store", "*.swp"),
)
COLLECTED = ("media", "staticfiles")
# A file of a listing that stands for a submodule without files. git lists no file of this name.
NOT_CHECKED_OUT = ".git"
LARGE_FILES, LARGE_BYTES = 5000, 20 << 20
MEGABYTE = 1 << 20


def list_files(directory: str, project: str = "", exclude: Sequence[str] = ()) -> list[str]:
    """Return the sorted relative paths of the files of the source *directory*.

    These are the files that git tracks, and those that it would add (`git add .`) except for UNTRACKED and collected
    files. *exclude* has patterns (gitignore(5)) for both; it can also re-include (`!.env`) what UNTRACKED leaves out.
    *project* is the directory of manage.py below *directory*. Raise ValueError if git cannot read the directory, or if
    a submodule is not checked out.
    """
    with tempfile.TemporaryDirectory() as scratch:
        empty = os.path.join(scratch, "empty")
        os.mkdir(empty)
        _git(["init", "--quiet", "--template=", scratch], scratch)
        repository = ["--git-dir", os.path.join(scratch, ".git")]
        tracked, others = _listed(directory, repository)
        left_out = _in_virtualenvs(directory, others)

        def matched(paths: Iterable[str], patterns: Iterable[str]) -> set[str]:
            # In an empty directory, only these patterns apply, and not those of a .gitignore.
            file = os.path.join(scratch, "patterns")
            with open(file, "w", encoding="utf-8") as text:
                text.writelines(f"{pattern}\n" for pattern in patterns)
            options = [*repository, "--work-tree", empty, "-c", f"core.excludesFile={file}"]
            command = [*options, "check-ignore", "--no-index", "-z", "--stdin"]
            return set(_split(_git(command, empty, paths, codes=(0, 1))))

        left_out |= matched(others, [*UNTRACKED, *_collected(directory, project), *exclude])
        left_out |= matched(tracked, exclude) if exclude else set()
    found = sorted({*tracked, *others} - left_out, key=os.fsencode)
    if missing := [os.path.dirname(path) for path in found if os.path.basename(path) == NOT_CHECKED_OUT]:
        raise ValueError(
            f"source: the submodule '{missing[0]}' of directory '{directory}' is not checked out. Run `git submodule "
            f"update --init`, or add '/{missing[0]}/' to source.exclude. Nothing was changed."
        )
    return found


def describe_large(directory: str, files: Sequence[str]) -> str:
    """Return a sentence about number and size of *files* if they are many or large, else an empty text."""
    sizes: dict[str, int] = {}
    for name in files:
        top = name.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + os.lstat(os.path.join(directory, name)).st_size
    total = sum(sizes.values())
    if len(files) < LARGE_FILES and total < LARGE_BYTES:
        return ""
    largest = sorted(sizes, key=lambda top: -sizes[top])[:3]
    named = ", ".join(f"{top} {sizes[top] / MEGABYTE:,.0f} MB" for top in largest)
    return (
        f"sending {len(files):,} files, {total / MEGABYTE:,.0f} MB, from '{directory}' ({named}). "
        "Patterns in .gitignore or source.exclude leave files out."
    )


def _listed(directory: str, repository: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the tracked and the untracked files, also those of submodules and of other repositories below *directory*.

    *repository* selects an empty repository, for directories without their own.
    """
    inside = _run(["rev-parse", "--is-inside-work-tree"], directory)
    if inside.returncode != 0 and b"not a git repository" not in inside.stderr:
        raise _refused(directory, inside.stderr)
    in_work_tree = inside.stdout.strip() == b"true"
    # The operator named the directory, even if its repository ignores all of it, such as build/.
    is_ignored = in_work_tree and _run(["check-ignore", "--quiet", "."], directory).returncode == 0
    options = [] if in_work_tree and not is_ignored else [*repository, "--work-tree", directory]
    tracked = _split(_git(["ls-files", "-z", "--cached"], directory)) if in_work_tree else []
    others = _split(_git([*options, "ls-files", "-z", "--others", "--exclude-standard"], directory))
    found: tuple[list[str], list[str]] = ([], [])
    for kind, paths in enumerate((tracked, others)):
        for path in paths:
            full = os.path.join(directory, path)
            if os.path.islink(full) or os.path.isfile(full):
                found[kind].append(path)
            elif os.path.lexists(os.path.join(full, ".git")):
                for files, inner in zip(found, _listed(full, repository), strict=True):
                    files += [os.path.join(path, name) for name in inner]
            elif kind == 0 and os.path.isdir(full) and not os.listdir(full):
                found[kind].append(os.path.join(path, NOT_CHECKED_OUT))
    return found


def _in_virtualenvs(directory: str, paths: Iterable[str]) -> set[str]:
    """Return those of *paths* that are in a virtual environment, whatever its name is."""
    known = {"": False}

    def is_inside(parent: str) -> bool:
        if parent not in known:
            has_mark = os.path.exists(os.path.join(directory, parent, "pyvenv.cfg"))
            known[parent] = has_mark or is_inside(os.path.dirname(parent))
        return known[parent]

    return {path for path in paths if is_inside(os.path.dirname(path))}


def _collected(directory: str, project: str) -> Iterable[str]:
    """Return patterns for the collected and the uploaded files. A Django app can have the name `media`: it is code."""
    for name in COLLECTED:
        for place in (name, os.path.normpath(os.path.join(project, name))):
            if not os.path.exists(os.path.join(directory, place, "__init__.py")):
                yield f"/{place}/"


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def _refused(directory: str, message: bytes) -> ValueError:
    return ValueError(
        f"source: git cannot list the files of directory '{directory}': {message.decode(errors='replace').strip()}\n"
        "Nothing was changed."
    )


def _git(command: Sequence[str], directory: str, paths: Iterable[str] = (), codes: Sequence[int] = (0,)) -> bytes:
    done = _run(command, directory, b"".join(os.fsencode(path) + b"\0" for path in paths))
    if done.returncode not in codes:
        raise _refused(directory, done.stderr)
    return done.stdout


def _run(command: Sequence[str], directory: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # A hook of git that runs the play sets GIT_DIR and others. fsmonitor is a program that a repository can name.
    environment = {name: value for name, value in os.environ.items() if not _selects_repository(name)}
    # With a sparse index and a partial clone, git fetches a missing directory by a command that the repository names.
    environment |= {"LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
    argv = ["git", "-c", "core.fsmonitor=false", *command]
    return subprocess.run(argv, cwd=directory, env=environment, input=data, capture_output=True, check=False)


def _selects_repository(name: str) -> bool:
    return name.startswith("GIT_") and not name.startswith(("GIT_CONFIG_", "GIT_CEILING_", "GIT_DISCOVERY_"))

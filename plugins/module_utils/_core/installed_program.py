# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install a program that runs on a host without Ansible, with the modules of this collection that it imports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from pkgutil import get_data

from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk

PACKAGE = "ansible_collections.gatehouse.django.plugins.module_utils"
# The program imports only what is installed beside it.
START = """\
#!/usr/bin/python3
# {purpose}: written by gatehouse.django; changes here are replaced.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "{directory}")
"""


def files(program: Path, text: str, modules: Iterable[str]) -> dict[Path, str]:
    """The files of *program*, by path: its *text*, and below its directory *modules* like ``_core.lock``."""
    found = {program: text}
    # Without __init__.py an ansible_collections package of the host would take precedence.
    levels = PACKAGE.split(".")
    for depth in range(1, len(levels) + 1):
        found[program.parent.joinpath(*levels[:depth], "__init__.py")] = ""
    packages = program.parent.joinpath(*levels)
    for module in modules:
        path = packages.joinpath(*module.split("."))
        found[path.with_suffix(".py")] = _source(f"{PACKAGE}.{module}")
        found[path.with_name("__init__.py")] = ""
    return found


def _source(name: str) -> str:
    """The source of the module *name*. Ansible sends modules to a host in a zip archive."""
    # pkgutil.get_data works with every loader, including the one for zip archives.
    directory, _dot, file = name.rpartition(".")
    return (get_data(directory, f"{file}.py") or b"").decode()


def outdated(wanted: Mapping[Path, str | None]) -> list[Path]:
    """Those of *wanted* whose content on the host differs; None for a file that shall not exist."""
    return [path for path, content in wanted.items() if disk.read(path) != content]


def write(wanted: Mapping[Path, str | None], paths: Iterable[Path], modes: Mapping[Path, int]) -> None:
    """Write or remove those of *wanted* that are in *paths*; without a mode, a file is readable for all."""
    for path in paths:
        content = wanted[path]
        if content is None:
            disk.remove(path)
            continue
        disk.make_directory(path.parent)
        disk.replace(path, content, modes.get(path, 0o644))

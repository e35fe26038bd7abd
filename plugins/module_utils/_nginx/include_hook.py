# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connect nginx's own configuration to the live generation with entry files, whose content never changes."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import TOKEN

MARK = "# Managed by gatehouse.django: this file only names the live generation.\n"
# Sorts last: the first server that nginx reads becomes the default server, and that must not be one of ours.
ENTRY = "zz-gatehouse.conf"


class NoInclude(Exception):
    """nginx.conf includes no directory for the entry file."""


def is_entry_file(text: str) -> bool:
    """Whether *text* is an entry file."""
    return text.startswith(MARK)


def entry_content(conf_dir: str, name: str) -> str:
    """The content of an entry file that includes *name* of the live generation."""
    return f"{MARK}include {conf_dir}/gatehouse/live/{name};\n"


def entry_files(conf_dir: str, conf_path: str, original: str, *, owns_nginx_conf: bool) -> dict[str, str | None]:
    """The entry files by path, None for one that must not exist; *original* is the operator's nginx.conf.

    Raises NoInclude if that file stays live and includes no directory for an entry file.
    """
    files: dict[str, str | None] = {str(path): None for path in Path(conf_dir).glob(f"*/{ENTRY}")}
    if owns_nginx_conf:
        files[conf_path] = entry_content(conf_dir, "nginx.conf")
        directory = Path(conf_dir) / "conf.d" if is_entry_shared(conf_dir, original) else None
    else:
        files[conf_path] = original
        directory = include_directory(original, conf_dir)
    if directory:
        files[str(directory / ENTRY)] = entry_content(conf_dir, "http.conf")
    return files


def is_entry_shared(conf_dir: str, original: str) -> bool:
    """Whether the entry file of *original* is in a directory that the managed nginx.conf includes as well.

    It then stays when nginx.conf is replaced or restored, so that nginx never reads the sites twice or not at all.
    """
    try:
        return include_directory(original, conf_dir) == Path(conf_dir) / "conf.d"
    except NoInclude:
        return False


def include_directory(nginx_conf: str, conf_dir: str) -> Path:
    """The directory of the last include in the http block that matches the entry file and is below *conf_dir*.

    Raises NoInclude if there is none.
    """
    found: Path | None = None
    for pattern in _includes(nginx_conf):
        path = Path(conf_dir) / pattern
        if fnmatch.fnmatch(ENTRY, path.name) and path.parent.is_relative_to(conf_dir):
            found = path.parent
    if found is None:
        raise NoInclude(
            f"the http block of {conf_dir}/nginx.conf does not include a directory that Gatehouse can use: "
            f"add 'include {conf_dir}/conf.d/*.conf;' to it"
        )
    return found


def _includes(nginx_conf: str) -> Iterator[str]:
    """The patterns of the includes directly in the http block, not in those of servers or in a stream block."""
    blocks: list[str] = []
    words: list[str] = []
    position = 0
    while token := TOKEN.match(nginx_conf, position):
        position = token.end()
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        if not token["mark"]:
            continue
        if token["mark"] == "{":
            blocks.append(words[0] if words else "")
        elif token["mark"] == "}":
            blocks = blocks[:-1]
        elif blocks == ["http"] and words[:1] == ["include"]:
            yield from words[1:]
        words = []


def foreign_file(dump: str, conf_dir: str, run: Run) -> str | None:
    """The first file of an ``nginx -T`` dump that is neither Gatehouse's nor an unchanged file of the distribution.

    None means that the host serves only the distribution's default page, so that nginx.conf may be replaced.
    """
    shipped = _conffiles(run)
    names: list[str] = re.findall(r"^# configuration file (.+):$", dump, re.MULTILINE)
    for name in names:
        path = os.path.realpath(name)
        if path.startswith(("/usr/share/", f"{conf_dir}/gatehouse/")):
            continue
        content = Path(path).read_bytes()
        if is_entry_file(content.decode("utf-8", errors="replace")):
            continue
        if shipped.get(path) != hashlib.md5(content, usedforsecurity=False).hexdigest():
            return name
    return None


def _conffiles(run: Run) -> dict[str, str]:
    """The MD5 digests of the configuration files of nginx's packages, as dpkg has recorded them (dpkg-query(1))."""
    _rc, out, _err = run(["dpkg-query", "--show", "--showformat=${Conffiles}\n", "nginx*", "libnginx-mod-*"])
    return dict(re.findall(r"^ (/\S+) ([0-9a-f]{32})", out, re.MULTILINE))

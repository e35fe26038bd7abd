# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate errors that the app's sandbox causes: what it refused, by which directive, and what to write instead.

The kernel returns the same errors for other reasons, so each sentence names its evidence. The text comes from the
app's processes and is untrusted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless

MAX_LINES = 400
MAX_LINE_LENGTH = 2000  # characters
MAX_SENTENCES = 3
CONTEXT_LINES = 3  # before the message of an exception: the source line that raised it, perhaps underlined
# Python writes the path behind the message, programs such as touch write it before.
BEHIND = re.compile(r"\[Errno (?:1|2|13|30)\] [A-Z][a-z -]{1,40}: '([^']{1,300})'")
BEFORE = re.compile(
    r"(?:'([^']{1,300})'|(/[^\s':]{1,300})): (?:Read-only file system|Permission denied|Operation not permitted)"
)
READ_ONLY, REFUSED, DENIED = "Read-only file system", "Operation not permitted", "Permission denied"
OF_SQLITE = ("unable to open database file", "attempt to write a readonly database")
OF_EXECUTABLE_MEMORY = re.compile(
    r"write\+execute memory|failed to map segment from shared object|cannot enable executable stack"
    r"|LLVM ERROR: Unable to allocate section memory|virtual memory for CodeRange"
)
MEMORY_CALL = re.compile(r"\bm(?:map|protect)\b")
DEVICES, KERNEL = ("/dev/",), ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/sys/")
HOMES = ("/home/", "/root/", "/run/user/")
# Where an operator mounts storage that an app may write to (hier(7)). Everything else is the system's or another app's.
STORAGE = ("/mnt/", "/media/")
# What can be written into an inventory as it is.
PLAIN = re.compile(r"/[\w./-]+", re.ASCII)
# Calls as they appear in source code; which directive refuses them; its value that allows them. systemd.exec(5).
CALLS = (
    (re.compile(r"\bl?f?chown\b|\bset(?:e|re|res)?[ug]id\b|\bsetgroups\b"), "SystemCallFilter", '"@system-service"'),
    (
        re.compile(r"\bnice\b|\bsetpriority\b|\bsched_set\w+|affinity\b|\bionice\b"),
        "SystemCallFilter",
        '"@system-service"',
    ),
    (re.compile(r"\bunshare\b|\bsetns\b|\bclone\b"), "RestrictNamespaces", "false"),
    (re.compile(r"\bf?chmod\b"), "RestrictSUIDSGID", "false"),
    (MEMORY_CALL, "MemoryDenyWriteExecute", "false"),
)


def explain(text: str, app: App) -> str:
    """Return a line for each error in *text*, the output of a process of *app*, that its sandbox explains."""
    lines = [line[:MAX_LINE_LENGTH] for line in text.splitlines()[-MAX_LINES:]]
    found = (
        sentence
        for number, line in enumerate(lines)
        if (sentence := _explain(line, lines[max(0, number - CONTEXT_LINES) : number], app))
    )
    return "\n".join(list(dict.fromkeys(found))[-MAX_SENTENCES:])


def explain_build(text: str, app: App) -> str:
    """Return a line for the last error in *text*, the output of a build command, that its sandbox explains."""
    lines = [line[:MAX_LINE_LENGTH] for line in text.splitlines()[-MAX_LINES:] if READ_ONLY in line]
    if not lines:
        return ""
    path = _named(lines[-1])
    what = f"'{path}'" if path else "a file"
    return (
        f"The sandbox of builds refused to write {what}: the file system is read-only (ProtectSystem=strict) except "
        f"for the source, its virtual environment and {app.cache}, which is HOME."
    )


def _explain(line: str, context: Sequence[str], app: App) -> str:
    return next(_sentences(line, "\n".join(context), _path(line, app), app), "")


def _path(line: str, app: App) -> str:
    path = _named(line)
    # All processes start in the project's directory. A hostile path must not look like one of the release.
    return os.path.normpath(os.path.join(app.link, "project", path)) if path else ""


def _named(line: str) -> str:
    """Return the path that the error message *line* names; an empty text if it names none."""
    found = BEHIND.search(line) or BEFORE.search(line)
    return harmless(next(one for one in found.groups() if one)) if found else ""


def _sentences(line: str, context: str, path: str, app: App) -> Iterator[str]:
    """Yield the explanations of *line*, the most specific one first."""
    data = f"{app.data} (variable GATEHOUSE_DATA_DIR)"
    is_write = READ_ONLY in line or DENIED in line
    own = tuple(f"{place}/" for place in (app.releases, app.venvs, app.link, app.failed))
    if path and is_write and path.startswith(own):
        yield (
            f"The sandbox refused to write '{path}': a release is read-only (ProtectSystem=strict). Write to {data}"
            f"{_writable(path, app)}."
        )
    if path and is_write and f"{path}/".startswith(HOMES):
        yield (
            f"The sandbox hides '{path}' (ProtectHome=yes). Use {data}, or allow to read it with "
            "sandbox: {ProtectHome: read-only}."
        )
    if READ_ONLY in line:
        place = f"'{path}'" if path else "a file"
        yield (
            f"The sandbox refused to write {place}: outside of {data} the file system is read-only "
            f"(ProtectSystem=strict). {_elsewhere(path, app)}"
        )
    if any(words in line for words in OF_SQLITE):
        yield (
            "SQLite cannot write outside of the app's data, because the file system is read-only there "
            f"(ProtectSystem=strict). Put its file into {data}."
        )
    if OF_EXECUTABLE_MEMORY.search(line) or (DENIED in line and not path and MEMORY_CALL.search(context)):
        yield _directive("memory that is both writable and executable", "MemoryDenyWriteExecute", "false")
    if "Address family not supported" in line:
        value = '"AF_UNIX AF_INET AF_INET6 AF_NETLINK"'
        yield _directive("a socket of this address family", "RestrictAddressFamilies", value)
    if REFUSED in line:
        known = [(name, value) for call, name, value in CALLS if call.search(context)]
        what = f"an operation on '{path}'" if path else "a system call"
        yield (
            _directive(what, *known[0])
            if known
            else f"The sandbox refuses {what} with this error (SystemCallFilter, or a directive like "
            "RestrictNamespaces). The option sandbox replaces single directives."
        )
    if path.startswith(KERNEL) and "No such file" in line:
        yield _directive(f"'{path}'", "ProcSubset", "all")
    if path.startswith(DEVICES) and "No such file" in line:
        yield _directive(f"'{path}'", "PrivateDevices", "false")


def _writable(path: str, app: App) -> str:
    """Return the advice to link the directory of *path* to the data; empty if it is not a directory of the project."""
    project = os.path.join(app.link, "project")
    directory = os.path.relpath(os.path.dirname(path), project)
    if not path.startswith(f"{project}/"):
        # The path in a release is not known here. Only what is in its source can be linked.
        inside = path.startswith(tuple(f"{place}/" for place in (app.releases, app.failed))) and "/src/" in path
        return ", or list the directory in writable, which links it to the data" if inside else ""
    if directory == "." or not PLAIN.fullmatch(f"/{directory}"):
        return ""
    return f", or write writable: [{directory}], which links the directory to the data"


def _elsewhere(path: str, app: App) -> str:
    """Return what to do about *path*, which is not in a release; it may be empty."""
    directory = os.path.dirname(path)
    if path.startswith(STORAGE) and PLAIN.fullmatch(directory):
        return (
            f"Write there, or add the directory with sandbox: {{ReadWritePaths: {directory}}}; it must exist, and the "
            f"user {app.name} must be allowed to write to it."
        )
    if path.startswith("/var/log/"):
        return "Log to standard error: the journal keeps it, and the playbook logs shows it."
    return "Change the project's setting for this path, so that it writes there."


def _directive(what: str, name: str, value: str) -> str:
    return f"The sandbox refuses {what} ({name}). If the project needs it, write sandbox: {{{name}: {value}}}."

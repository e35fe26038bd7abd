# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give git the credentials of each repository, and of no other one: a submodule can name any repository of a server.

git has no option for one key per URL, so a script selects the key by what git asks the server for.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict
from urllib.parse import unquote

SSH_URL = re.compile(r"ssh://(?:([^@/]+)@)?(\[[^]]*\]|[^:/]+)(?::(\d+))?/(.*)|(?:([^@/:]+)@)?([^:/]+):(.*)")
# The unit has a private /tmp, and git runs no code of the repository.
DIRECTORY = "/tmp"


class Credential(TypedDict):
    """The access to one repository, or with a URL that ends with '/' to all repositories below it."""

    url: str  # without user and password for https
    authorization: str  # user:password for https, or empty
    deploy_key: str  # the text of a private key for ssh, or empty


class Access(TypedDict):
    """The access to the repositories of a source; the first credential is that of the source itself."""

    credentials: list[Credential]
    known_hosts: str  # lines of known_hosts, or empty: then ssh uses those of the host


# git does not read the configuration of the home of the building user, where earlier builds could write. It refuses a
# repository of another user (file://) without safe.directory.
CONFIGURATION = "[safe]\n\tdirectory = *\n"
LFS_FILTER = """[filter "lfs"]
\tclean = git-lfs clean -- %f
\tsmudge = git-lfs smudge -- %f
\tprocess = git-lfs filter-process
\trequired = true
"""
# git and git-lfs run: ssh [option...] [-p port] [--] [user@]host "git-upload-pack '/shop.git'", or
# "git-lfs-authenticate shop.git download".
SELECT_KEY = """port=22 before= destination= command=
for word do
    if [ "$before" = -p ]; then port=$word; fi
    destination=$command command=$word before=$word
done
path=${command#* } path=${path%% *} path=${path#\\'} path=${path%\\'}
path=${path#/} path=${path%/} path=${path%.git}
key=none
# A plain server would leave the directory of a credential that is for all repositories below it.
case $command in */../*) destination= ;; esac
"""


def files(access: Access, *, lfs: bool = False) -> dict[str, str]:
    """Return the files in DIRECTORY that configure git and ssh, contents by name."""
    found = {"gitconfig": f"{CONFIGURATION}{LFS_FILTER if lfs else ''}{''.join(_headers(access['credentials']))}"}
    options = ["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=15"]
    if access["known_hosts"]:
        found["known_hosts"] = f"{access['known_hosts'].strip()}\n"
        options += ["-o", f"UserKnownHostsFile={DIRECTORY}/known_hosts", "-o", "StrictHostKeyChecking=yes"]
    selections = []
    for number, credential in enumerate(_most_specific_first(access["credentials"])):
        if credential["deploy_key"] and (selection := _selection(credential["url"], f"{DIRECTORY}/key-{number}")):
            selections.append(selection)
            found[f"key-{number}"] = f"{credential['deploy_key'].strip()}\n"
    ssh = f"exec ssh {shlex.join(options)}"
    if selections:
        chosen = "\nel".join(selections)
        found["ssh"] = f'{SELECT_KEY}{chosen}\nfi\n{ssh} -o IdentitiesOnly=yes -o "IdentityFile=$key" "$@"\n'
    else:
        found["ssh"] = f'{ssh} "$@"\n'
    return found


def script(names: Sequence[str]) -> str:
    """Return the lines of a shell script that write the files of variables() *names*, and make git use them."""
    lines = ["set -eu", "umask 077"]
    for number, name in enumerate(names):
        lines.append(f"printf '%s' \"$GATEHOUSE_FILE_{number}\" > {DIRECTORY}/{name}")
        lines.append(f"unset GATEHOUSE_FILE_{number}")
    lines += [f'export GIT_SSH_COMMAND="${{GIT_SSH_COMMAND:-sh {DIRECTORY}/ssh}}" GIT_SSH_VARIANT=ssh', "umask 022"]
    return "\n".join([*lines, ""])


def variables(contents: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for script(): the arguments of a command are visible to all users of the host."""
    return {f"GATEHOUSE_FILE_{number}": text for number, text in enumerate(contents.values())} | {
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": f"{DIRECTORY}/gitconfig",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _most_specific_first(credentials: Sequence[Credential]) -> list[Credential]:
    return sorted(credentials, key=lambda credential: (credential["url"].endswith("/"), -len(credential["url"])))


def _headers(credentials: Sequence[Credential]) -> Iterator[str]:
    # git ignores a less specific section after a more specific one (git-config(1), "http.<url>.*").
    for credential in _most_specific_first(credentials):
        if credential["authorization"]:
            encoded = base64.b64encode(credential["authorization"].encode()).decode()
            url = credential["url"]
            for form in (url,) if url.endswith("/") else (url, _other_form(url)):
                subsection = form.replace("\\", "\\\\").replace('"', '\\"')
                # After a redirection git would send the header to the other server, too.
                yield (
                    f'[http "{subsection}"]\n\textraHeader = "Authorization: Basic {encoded}"\n'
                    "\tfollowRedirects = false\n"
                )


def _other_form(url: str) -> str:
    return url.removesuffix(".git") if url.endswith(".git") else f"{url}.git"


def _selection(url: str, key: str) -> str:
    """Return the condition of a shell script under which ssh uses *key*; empty for a URL that is not of ssh."""
    found = SSH_URL.fullmatch(url)
    if not found:
        return ""
    user, host, path = found[1] or found[5] or "", (found[2] or found[6]).strip("[]"), unquote(found[4] or found[7])
    destination = f"{unquote(user)}@{host}" if user else host
    pattern = shlex.quote(path.strip("/").removesuffix(".git"))
    if path.endswith("/"):
        pattern = f"{shlex.quote(path.strip('/') + '/')}*" if path.strip("/") else "*"
    return (
        f'if [ "$destination $port" = {shlex.quote(f"{destination} {found[3] or 22}")} ] && '
        f'case "$path" in {pattern}) true ;; *) false ;; esac; then\n    key={key}'
    )

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explain why git could not read a repository."""

from __future__ import annotations

import re

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import tail

# What ssh, git and curl print, and what to do. The first that matches explains the others.
REMEDIES = (
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known for",
        "source.known_hosts has no line with the host key that the server shows. `ssh-keyscan SERVER` prints its "
        "present keys: compare them with those that the operator of the server publishes.",
    ),
    (
        r"Load key .*: |error in libcrypto",
        "ssh cannot read the deploy_key. Use the whole text of a private key without passphrase.",
    ),
    (
        r"Permission denied \(|Permission denied, please try again|[Dd]eploy key|no mutual signature",
        "The server lets no key in. Add the public half of deploy_key to the repository (`ssh-keygen -y -f FILE` "
        "prints it). A submodule with a key of its own needs an entry with its URL in source.credentials.",
    ),
    (
        r"could not read (?:Username|Password)|Authentication failed|HTTP Basic: Access denied|error: 40[13]|"
        r"[Aa]uthorization error",
        "The server wants a user and a token: write them into the URL, like 'https://user:token@example.com/shop.git'. "
        "A submodule needs an entry with such a URL in source.credentials. A token may have expired.",
    ),
    (
        r"Could not resolve|Temporary failure in name resolution|Failed to connect|[Cc]onnection (?:timed out|refused)|"
        r"Network is unreachable|No route to host|Couldn't connect",
        "The host cannot reach the server: check its DNS, routes and firewalls. If it needs an HTTP proxy, set "
        "gatehouse_proxy; a proxy does not serve ssh URLs.",
    ),
    (
        r"returned error: 30[12378]|unable to update url base from redirection",
        "The server redirects to another address, and git sends a token to no other one. Write the present address of "
        "the repository, usually with '.git' at its end.",
    ),
    (
        r"certificate problem|certificate verification failed",
        "The host does not trust the server's certificate. Set GIT_SSL_CAINFO in build_environment to the file of its "
        "authority on the host. `timedatectl` shows whether the host's clock is right.",
    ),
    (
        r"transport '\w+' not allowed",
        "A submodule must have an https or ssh URL. Set submodules in source to false if the app does not need it.",
    ),
    (
        r"not our ref|reference is not a tree|unadvertised object",
        "The repository does not have this commit in any branch or tag. Push it, or set version to another one.",
    ),
)
DEFAULT = (
    "Check the address. A private repository needs source.deploy_key (ssh) or a token in the URL (https); a "
    "repository on the host itself must be readable by any user. Many servers deny that a private repository exists."
)


def explain(output: str) -> str:
    """Return the last lines of *output*, and the remedy."""
    for pattern, remedy in REMEDIES:
        if re.search(pattern, output):
            return f"{tail(output)}\n{remedy}"
    return f"{tail(output)}\n{DEFAULT}"

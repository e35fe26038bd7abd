# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP proxy through which apt, git, uv, npm and certbot reach the internet: one option, one environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

# The option of every module and role that downloads. The URL can contain a password.
# Without a default: Ansible would write those of the suboptions into it.
PROXY_SPEC: dict[str, Any] = {
    "type": "dict",
    "options": {
        "url": {"type": "str", "no_log": True},
        "no_proxy": {"type": "list", "elements": "str", "default": []},
    },
}
# Only characters that no file of variables needs quotes for. In user and password, others are written like %40.
URL = re.compile(r"http://(?:[\w.~!*+,;=%-]+(?::([\w.~!*+,;=%-]*))?@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}/?")
NAME = re.compile(r"[\w.:/*-]+")
# The host itself is never behind the proxy.
ALWAYS_DIRECT = ("localhost", "127.0.0.1", "::1")


def problem(proxy: Any) -> str:
    """Return what is wrong with the option and its remedy, without quoting the URL; empty if it is right."""
    if not isinstance(proxy, Mapping):
        return "proxy: write it as a dictionary, like {url: 'http://proxy.example.com:3128'}."
    names = proxy.get("no_proxy") or []
    unknown = sorted(set(proxy) - set(PROXY_SPEC["options"]))
    if unknown:
        return f"proxy: unknown key '{unknown[0]}'. The keys are url and no_proxy."
    if proxy.get("url") and not URL.fullmatch(str(proxy["url"])):
        return (
            "proxy: url must be like 'http://proxy.example.com:3128' or 'http://user:password@proxy.example.com:3128'. "
            "Encode special characters of user and password, like %40 for @."
        )
    if not isinstance(names, list) or not all(NAME.fullmatch(str(name)) for name in names):
        return (
            f"proxy: no_proxy must be a list of host names, domains and networks, like ['.example.com'], not {names}."
        )
    if names and not proxy.get("url"):
        return "proxy: no_proxy needs a url. Set url, or remove no_proxy."
    return ""


def environment(proxy: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the variables that make programs use *proxy*; none without one.

    curl, and so git, reads only the lower-case http_proxy; others read only the upper-case names.
    """
    if not proxy or not proxy.get("url"):
        return {}
    direct = ",".join([*ALWAYS_DIRECT, *(proxy.get("no_proxy") or [])])
    found = {"http_proxy": str(proxy["url"]), "https_proxy": str(proxy["url"]), "no_proxy": direct}
    return found | {name.upper(): value for name, value in found.items()}


def passwords(proxy: Mapping[str, object] | None) -> list[str]:
    """Return the texts that no output may show."""
    found = URL.fullmatch(str((proxy or {}).get("url") or ""))
    return [str((proxy or {})["url"]), found[1], unquote(found[1])] if found and found[1] else []

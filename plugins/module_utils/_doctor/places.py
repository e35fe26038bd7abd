# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an operator changes what nginx does: the inventory for a file that Gatehouse writes, else the file itself."""

from __future__ import annotations

import os
import re

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.error_attribution import (
    SNIPPET_BEGIN,
    SNIPPET_END,
)

RELOAD = "`nginx -t && systemctl reload nginx`"


def site_name(directive: Directive) -> str:
    """The name in django_sites of the site whose generated file has *directive*; empty for a file of all sites."""
    directory, file = os.path.split(directive.path)
    return file.removesuffix(".conf") if directory.endswith("/sites") else ""


def remedy(host: Host, directive: Directive, words: str, option: str) -> str:
    """Write the *option* of the site in the inventory, or the line *words* in the block *directive* by hand."""
    if host.is_managed(directive):
        return f"Write {in_inventory(directive, option)}."
    return f"Write '{words}' in {directive.where}, then {RELOAD}."


def snippet_remedy(host: Host, directive: Directive, words: str) -> str:
    """Write the line *words* in the place of *directive*, which in a file of Gatehouse's only a snippet can contain."""
    return f"Write '{words}' in {in_snippet(host, directive)}."


def in_snippet(host: Host, directive: Directive) -> str:
    """The same place without a line, and what applies a change there."""
    if host.is_managed(directive):
        return in_inventory(directive, "snippet")
    return f"{directive.where}, then {RELOAD}"


def is_of_snippet(directive: Directive) -> bool:
    """Whether *directive* is in a snippet of a generated file (site.conf.j2 marks its beginning and its end)."""
    try:
        lines = untrusted.read(directive.path).splitlines()[: directive.line]
    except OSError:
        return False
    marks = [line.strip() for line in lines if line.strip() in (SNIPPET_BEGIN, SNIPPET_END)]
    return marks[-1:] == [SNIPPET_BEGIN]


def in_inventory(directive: Directive, option: str, path: str = "") -> str:
    """The place of an *option* of the site, or of one of its `paths`, in the inventory, and what applies it."""
    name = site_name(directive)
    entry = f"the entry of the site {name}" if name else "the entry of the site"
    below = f" below `paths['{path}']`" if path else ""
    return f"`{option}`{below} in {entry} in django_sites, then `ansible-playbook gatehouse.django.site`"


def larger_header_buffers(host: Host, server: Directive) -> str:
    """The remedy for request headers or URLs that nginx refuses. It reads them before it knows the server by name."""
    given = server.inherited("large_client_header_buffers")
    size = re.fullmatch(r"(\d+)k", given.args[-1]) if given and given.args else None
    line = f"large_client_header_buffers 4 {max(2 * int(size[1]), 32) if size else 32}k;"
    if host.is_managed(given or server):
        return f"write `{line}` in nginx_http_snippet"
    return f"write '{line}' in {server.where}, and in the default server of its port, then {RELOAD}"

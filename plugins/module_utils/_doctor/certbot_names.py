# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that adds a name to a certificate of an operator's certbot."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from shlex import quote

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import CERTBOT_DIRECTORY

SETTING = re.compile(r"^\s*(authenticator|webroot_path|server)\s*=\s*(.+?)\s*,?\s*$", re.MULTILINE)
PLUGINS = ("nginx", "apache", "standalone")
# certbot's default. The command takes nothing from the file of the renewal.
DEFAULT_SERVER = "https://acme-v02.api.letsencrypt.org/directory"


def expand(lineage: str, names: Sequence[str]) -> str:
    """The remedy that obtains the certificate again for all of *names*, as certbot did the last time."""
    settings = _settings(lineage)
    plugin = settings.get("authenticator", "nginx")
    wildcards = [name for name in names if name.startswith("*.")]
    if wildcards and not plugin.startswith("dns-"):
        names = [name for name in names if name not in wildcards]
    options = [f"--{plugin}"] if plugin in PLUGINS or plugin.startswith("dns-") else []
    if plugin == "webroot":
        options = ["--webroot", "--webroot-path", quote(settings.get("webroot_path", "/var/www/html"))]
    server = settings.get("server", DEFAULT_SERVER)
    where = ["--server", quote(server)] if server != DEFAULT_SERVER else []
    given = " ".join(f"-d {quote(name)}" for name in dict.fromkeys(names))
    command = f"certbot certonly --cert-name {quote(lineage)} --expand {' '.join([*options, *where, given])}"
    more = f" For {', '.join(wildcards)} certbot needs a DNS plugin." if len(names) and wildcards and options else ""
    return f"`{command} && systemctl reload nginx`.{more if not plugin.startswith('dns-') else ''}"


def _settings(lineage: str) -> dict[str, str]:
    try:
        text = untrusted.read(os.path.join(CERTBOT_DIRECTORY, "renewal", f"{lineage}.conf"), 65536)
    except OSError:
        return {}
    return dict(SETTING.findall(text))

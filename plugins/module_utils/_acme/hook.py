# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install what certbot's renewals need on the host: the deploy hook, a proxy, and the roots of a private authority."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._acme.certbot import HOOK, WEBROOT
from ansible_collections.gatehouse.django.plugins.module_utils._acme.dns import CREDENTIALS
from ansible_collections.gatehouse.django.plugins.module_utils._core import files as disk
from ansible_collections.gatehouse.django.plugins.module_utils._core import installed_program
from ansible_collections.gatehouse.django.plugins.module_utils._core.installed_program import PACKAGE
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import AUTHORITIES, UNIT_DIRECTORY

SYSTEM_ROOTS = Path(AUTHORITIES)
ROOTS = WEBROOT.parent / "authorities.pem"
DROP_IN = Path(UNIT_DIRECTORY, "certbot.service.d/gatehouse.conf")
# Any user can read a unit and its properties, but not this file.
PROXY_FILE = WEBROOT.parent / "certbot-proxy.env"
MODES = {HOOK: 0o755, PROXY_FILE: 0o600, CREDENTIALS: 0o600}
PROGRAM = f"""\
#!/usr/bin/python3
# certbot's deploy hook: written by gatehouse.django; changes here are replaced.
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "{HOOK.parent}")
from {PACKAGE}._acme.renewal import hook


def run(args, *, data=None, binary_data=False):
    environment = os.environ | {{"LC_ALL": "C.UTF-8"}}
    done = subprocess.run(args, input=data, capture_output=True, env=environment)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


os.umask(0o022)
sys.exit(hook(run))
"""


# `_acme.renewal` and all modules of this collection that it imports.
MODULES = (
    "_acme.renewal",
    "_core.addresses",
    "_core.disk_space",
    "_core.files",
    "_core.journal",
    "_core.lock",
    "_core.paths",
    "_core.run",
    "_core.untrusted",
    "_nginx.access_logs",
    "_nginx.alerts",
    "_nginx.authorities",
    "_nginx.backlog",
    "_nginx.behind",
    "_nginx.candidate",
    "_nginx.certificates",
    "_nginx.compose",
    "_nginx.default_server",
    "_nginx.drained",
    "_nginx.error_attribution",
    "_nginx.facts",
    "_nginx.file_limit",
    "_nginx.generation",
    "_nginx.host_certificates",
    "_nginx.host_state",
    "_nginx.include_hook",
    "_nginx.modules",
    "_nginx.page_caches",
    "_nginx.password_diff",
    "_nginx.path_patterns",
    "_nginx.plan",
    "_nginx.proxy_protocol",
    "_nginx.records",
    "_nginx.reload",
    "_nginx.rollback",
    "_nginx.snippet",
    "_nginx.spec",
    "_nginx.tls",
    "_nginx.transaction",
    "_nginx.upstreams",
    "_nginx.validate",
    "_nginx.values",
    "_nginx.x509",
)


def hook_files() -> dict[Path, str]:
    """The files of the hook: its program and modules, by path."""
    return installed_program.files(HOOK, PROGRAM, MODULES)


def environment_files(authority: str | None, proxy: dict[str, str]) -> dict[Path, str | None]:
    """The files that make certbot's timer use the variables *proxy*, and trust a private *authority* (PEM) besides the
    public ones.
    """
    lines = [
        *([f"Environment=REQUESTS_CA_BUNDLE={ROOTS}"] if authority else []),
        *([f"EnvironmentFile={PROXY_FILE}"] if proxy else []),
    ]
    unit = "\n".join(["# Written by gatehouse.django; changes are replaced.", "[Service]", *lines, ""])
    return {
        ROOTS: (disk.read(SYSTEM_ROOTS) or "") + authority.rstrip() + "\n" if authority else None,
        PROXY_FILE: "".join(f"{name}={value}\n" for name, value in sorted(proxy.items())) or None,
        DROP_IN: unit if lines else None,
    }


def outdated(files: Mapping[Path, str | None]) -> list[Path]:
    """Those of *files* whose content on the host differs."""
    return installed_program.outdated(files)


def write(files: Mapping[Path, str | None], paths: list[Path]) -> None:
    """Write or remove those of *files* that are in *paths*."""
    installed_program.write(files, paths, MODES)

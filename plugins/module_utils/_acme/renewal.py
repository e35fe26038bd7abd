# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install a certificate from certbot with the same transaction as any other change.

certbot's timer runs without Ansible, so this module and its imports are installed on the host. certbot calls `hook`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import LINEAGE_PREFIX
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    certificates,
    generation,
    host_state,
    include_hook,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused, add_certificates, plan_from
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.transaction import apply

PREFIX = LINEAGE_PREFIX


def install(run: Run, lineage: Path) -> bool:
    """Let nginx serve the site of *lineage* (``live/gatehouse-SITE``) with the certificate in it.

    Returns False if the live configuration has no such site with tls ``acme``.
    Raises Refused or ValueError after the host was restored.
    """
    site = lineage.name.removeprefix(PREFIX)
    host = describe(run, shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin:/bin"))
    conf_dir = host["conf_dir"]
    pem = "".join((lineage / name).read_text(encoding="ascii") for name in ("privkey.pem", "fullchain.pem"))
    with locked("nginx"):
        live = generation.read_base(conf_dir)
        record = live.sites.get(site)
        if not record or "tls" not in record or record["tls"]["mode"] != "acme":
            return False
        state = host_state.state_with(host, generation.read_base(conf_dir))
        plan = plan_from(conf_dir, live, state)
        apply(run, host, add_certificates(run, plan, {str(certificates.path(conf_dir, site)): pem}), check_mode=False)
    return True


def is_installed(conf_dir: str, lineage: Path) -> bool:
    """Whether the certificate of *lineage* is installed for nginx."""
    try:
        installed = certificates.path(conf_dir, lineage.name.removeprefix(PREFIX)).read_text(encoding="ascii")
        return installed.endswith((lineage / "fullchain.pem").read_text(encoding="ascii"))
    except FileNotFoundError:
        return False


def hook(run: Run) -> str | None:
    """Install the certificate whose directory certbot passes in the environment (certbot's deploy hook).

    Returns the reason why nginx does not serve it, None on success.
    """
    lineage = Path(os.environ["RENEWED_LINEAGE"])
    if not lineage.name.startswith(PREFIX):
        return None
    try:
        install(run, lineage)
    except (Refused, LockError, include_hook.NoInclude, OSError, ValueError) as error:
        return f"{lineage.name}: certbot obtained the certificate, but nginx does not serve it: {error}"
    return None

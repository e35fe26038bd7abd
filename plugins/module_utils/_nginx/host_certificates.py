# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check certificates that another program maintains on the host (tls ``host``). nginx reads their files in place.

So a renewal is live as soon as that program reloads nginx, and at the latest with the next run, which sees that nginx
has not read the file. The checks raise ValueError with one sentence, and never quote a key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import x509
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import uncovered

OPTIONS = ("tls_certificate", "tls_key")


def check(sites: Mapping[str, SiteRecord], live: Mapping[str, SiteRecord]) -> list[str]:
    """Check the files of those of *sites* that use certificates of the host; returns warnings.

    A site that is *live* as it is only gives a warning: its certificate must not prevent changes of other sites.
    """
    warnings = []
    for name, site in sites.items():
        tls = site.get("tls")
        if not tls or "files" not in tls:
            continue
        certificate, key = tls["files"]
        try:
            _check_key(f"site '{name}': {OPTIONS[key != certificate]} '{key}'", key)
            _check_certificate(f"site '{name}': tls_certificate '{certificate}'", certificate, tls["names"])
        except ValueError as error:
            if site != live.get(name):
                raise
            warnings.append(str(error))
    return warnings


def _check_key(where: str, path: str) -> None:
    text = _read(where, path)
    if "PRIVATE KEY-----" not in text:
        raise ValueError(f"{where} contains no PEM private key: name the file of the key in tls_key")
    if "ENCRYPTED" in text:
        raise ValueError(f"{where} is encrypted, and nginx cannot ask for a passphrase: decrypt it (openssl pkey)")
    real = os.path.realpath(path)
    mode = stat.S_IMODE(os.stat(real).st_mode)
    if mode & 0o027:
        raise ValueError(
            f"{where} can be read by all users or written by its group (mode {mode:04o}): run 'chmod 0640 {real}', "
            "and replace the key if users of this host must not have it"
        )


def _check_certificate(where: str, path: str, names: Iterable[str]) -> None:
    found = x509.read(_read(where, path))
    if not found:
        raise ValueError(f"{where} contains no PEM certificate, or a damaged one")
    if found.expires <= (now := datetime.now(UTC)):
        raise ValueError(
            f"{where} expired on {found.expires:%Y-%m-%d %H:%M} UTC, and this host's clock says {now:%Y-%m-%d %H:%M}: "
            "renew it with the program that maintains it"
        )
    missing = uncovered(list(names), found.names)
    if missing:
        raise ValueError(
            f"{where} does not cover {', '.join(missing)}, it is for {', '.join(found.names) or 'no name'}: "
            "use one for all names in server_name and redirect_from, or remove the name"
        )


def _read(where: str, path: str) -> str:
    if untrusted.APP_DIRECTORY.match(os.path.realpath(path) + "/"):
        raise ValueError(f"{where} is in a directory that an app can write: move it elsewhere, such as /etc/ssl")
    try:
        return untrusted.read(path)
    except OSError as error:
        raise ValueError(
            f"{where} cannot be read on the host ({error.strerror or error}): give the path of a file there, or use "
            "tls 'files' for one on the controller"
        ) from error

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a certificate that nginx presents: its dates and its names."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    CERTBOT_DIRECTORY,
    SERVICE_TLS_DIRECTORY,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import certbot_names, commands, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import uncovered

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Defect(Enum):
    """Why browsers reject a certificate."""

    EXPIRED = auto()
    NOT_YET_VALID = auto()
    WRONG_NAMES = auto()


@dataclass(frozen=True)
class Validity:
    """The dates and the names of a certificate."""

    begins: float
    ends: float
    names: list[str]

    def defect(self, wanted: Sequence[str]) -> Defect | None:
        """Why browsers reject it for the names *wanted*, None where they accept it."""
        if time.time() > self.ends:
            return Defect.EXPIRED
        if time.time() < self.begins:
            return Defect.NOT_YET_VALID
        return Defect.WRONG_NAMES if uncovered(list(wanted), self.names) else None


def check_certificate(host: Host, request: Request, certificate: bytes) -> Finding | None:
    """Examine the *certificate*, in DER, that nginx presented for *request*."""
    wanted = sites.balancer_names(request.server) or sites.real_names(request.server) or [request.name]
    presented = read_validity(host, ssl.DER_cert_to_PEM_cert(certificate))
    defect = presented.defect(wanted) if presented else None
    if presented is None or defect is None:
        return None
    cause = f"The certificate that nginx presents for {request.name} {describe(presented, defect, wanted)}"
    given = request.server.inherited("ssl_certificate")
    path = given.args[0] if given else ""
    if _is_replaced(host, path, certificate, wanted):
        cause = f"{cause}; the one in {path} is valid, and nginx has not read it"
        return Finding(request.site, f"{cause}.", "`systemctl reload nginx`")
    place = f"{path} ({given.where})" if given and not host.is_managed(given) else path or "the site"
    return Finding(request.site, f"{cause}.", _remedy(host, path, place, wanted, presented.names))


def describe(presented: Validity, defect: Defect, wanted: Sequence[str]) -> str:
    """The defect as the end of a sentence about the certificate."""
    if defect is Defect.EXPIRED:
        return f"expired on {_date(presented.ends)}"
    if defect is Defect.NOT_YET_VALID:
        return f"is not valid before {_date(presented.begins)}, and this host's clock says {_date(time.time())}"
    lacking = uncovered(list(wanted), presented.names)
    return f"is for {', '.join(presented.names) or 'no name'}, not for {', '.join(lacking)}"


def _is_replaced(host: Host, path: str, presented: bytes, wanted: Sequence[str]) -> bool:
    """Whether the file holds another certificate than the presented one, without a defect."""
    pem = first_certificate(path)
    if not pem or pem.strip() == ssl.DER_cert_to_PEM_cert(presented).strip():
        return False
    on_disk = read_validity(host, pem)
    return on_disk is not None and on_disk.defect(wanted) is None


def _remedy(host: Host, path: str, place: str, wanted: Sequence[str], known: Sequence[str]) -> str:
    if path.startswith((f"{certificates.directory(host.nginx['conf_dir'])}/", f"{SERVICE_TLS_DIRECTORY}/")):
        return "Run `ansible-playbook gatehouse.django.site`: it replaces the certificate, or says what it needs."
    if path.startswith(f"{CERTBOT_DIRECTORY}/live/"):
        if uncovered(list(wanted), list(known)):
            # A renewal has the names that the certificate has.
            return certbot_names.expand(Path(path).parent.name, [*known, *uncovered(list(wanted), list(known))])
        renew = commands.command("certbot", "renew", "--cert-name", Path(path).parent.name)
        return f"{renew}, and find out why its timer did not renew it."
    return f"Put a certificate that is valid now and for {', '.join(wanted)} into {place} and `systemctl reload nginx`."


def read_validity(host: Host, pem: str) -> Validity | None:
    """Dates and names of a certificate in PEM, None where openssl cannot read it."""
    try:
        known = certificates.describe(pem)
        data = pem.encode(errors="replace")
        rc, out, _err = host.run(["openssl", "x509", "-noout", "-dates"], data=data, binary_data=True)
        dates = re.findall(r"^not(?:Before|After)=(.+)$", out, re.MULTILINE)
        if rc != 0 or known is None or len(dates) != 2:
            return None
        begins, ends = (float(ssl.cert_time_to_seconds(date)) for date in dates)
    except (ValueError, OverflowError):
        return None
    return Validity(begins, ends, known.names)


def first_certificate(path: str) -> str:
    """The first certificate of the file, which is the site's own, without any key; empty for none."""
    try:
        found = BLOCK.search(untrusted.read(path))
    except OSError:
        return ""
    return f"{found[0]}\n" if found else ""


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with the certificate that nginx really shows: its dates and its names."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Request
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import uncovered

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Validity:
    """When a certificate is valid, and for whom."""

    begins: float
    ends: float
    names: list[str]

    def problem(self, wanted: list[str]) -> str:
        """What browsers have against it, nothing where that is nothing."""
        if time.time() > self.ends:
            return f"has expired on {_day(self.ends)}"
        if time.time() < self.begins:
            return f"is valid from {_day(self.begins)} only, and by this host's clock it is {_day(time.time())}"
        lacking = uncovered(wanted, self.names)
        return f"is for {', '.join(self.names) or 'no name'}, not for {', '.join(lacking)}" if lacking else ""


def explain(host: Host, request: Request, server: Directive, shown: bytes) -> list[Finding]:
    """What visitors of *server* are told of the certificate *shown*, in DER."""
    presented = read(host, ssl.DER_cert_to_PEM_cert(shown))
    wanted = sites.real_names(server) or [request.name]
    problem = presented.problem(wanted) if presented else ""
    if not problem:
        return []
    given = server.inherited("ssl_certificate")
    path = given.args[0] if given else ""
    file = _first(path)
    kept = read(host, file) if file else None
    cause = f"The certificate that nginx shows for {request.name} {problem}"
    if kept and file.strip() != ssl.DER_cert_to_PEM_cert(shown).strip() and not kept.problem(wanted):
        cause = f"{cause}; the one in {path} is right, and nginx has not read it"
        return [Finding(request.site, f"{cause}.", "`systemctl reload nginx`")]
    place = f"{path} ({given.where})" if given else "the site"
    return [Finding(request.site, f"{cause}.", _remedy(host, path, place, wanted))]


def _remedy(host: Host, path: str, place: str, wanted: list[str]) -> str:
    if path.startswith(f"{certificates.directory(host.nginx['conf_dir'])}/"):
        return (
            "Run `ansible-playbook gatehouse.django.site`: it replaces the certificate, or says what it needs for that."
        )
    if path.startswith("/etc/letsencrypt/live/"):
        return f"`certbot renew --cert-name {Path(path).parent.name}`, and see why its timer did not."
    return f"Put a certificate that is valid now and for {', '.join(wanted)} into {place} and `systemctl reload nginx`."


def read(host: Host, pem: str) -> Validity | None:
    """Dates and names of a certificate in PEM, None where openssl cannot tell."""
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


def _first(path: str) -> str:
    """The certificate itself, of those in the file, without any key."""
    try:
        found = BLOCK.search(untrusted.read(path))
    except OSError:
        return ""
    return f"{found[0]}\n" if found else ""


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))

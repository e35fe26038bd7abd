# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of a host's services, such as PostgreSQL, and of its nginx behind balancers, and the authority that
signs them; all made by openssl.

The authority is the host's own: its key is on no other host, and clients believe it for the services of this host only.
So the lifetimes are long. A key that is stolen from the host is of no more use than the host itself, and an expired
certificate would stop all apps.
"""

from __future__ import annotations

import grp
import ipaddress
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import is_address
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import RUN_DIRECTORY, SERVICE_TLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run

PROGRAM = "openssl"
DIRECTORY = Path(SERVICE_TLS_DIRECTORY)
AUTHORITY, AUTHORITY_KEY = DIRECTORY / "authority.crt", DIRECTORY / "authority.key"
DAY = 86400  # seconds
AUTHORITY_DAYS = 30 * 365
CERTIFICATE_DAYS = 10 * 365
# A play renews a certificate that ends within this time.
RENEWED_DAYS = 5 * 365
# The first label can be the name of a site, which can contain underscores and end with a hyphen.
NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
SHOWN = re.compile(r"(?:DNS|IP Address):([^,\s]+)")
# Without the extensions of the host's own openssl.cnf.
CONFIGURATION = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = {name}\n"
EXTENSIONS = {
    "authority": "basicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign\n"
    "subjectKeyIdentifier = hash\n",
    "server": "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
    "extendedKeyUsage = serverAuth\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
    "subjectAltName = {names}\n",
}


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    name: str
    # The group that can read the key: PostgreSQL takes one of root with 0640 (libpq's and the server's rule).
    reader: str

    @property
    def link(self) -> Path:
        """A link to the directory of both: one rename replaces them, and a service never finds halves of two."""
        return DIRECTORY / self.name

    @property
    def certificate(self) -> Path:
        """The file of the certificate."""
        return self.link / "server.crt"

    @property
    def key(self) -> Path:
        """The file of the key."""
        return self.link / "server.key"

    @property
    def group(self) -> int:
        """The number of the group, 0 if the host does not have it."""
        try:
            return grp.getgrnam(self.reader).gr_gid
        except KeyError:
            return 0


# They are apart: a new site of nginx must not restart services.
SERVICES, WEB = Pair("server", "postgres"), Pair("web", "root")
CERTIFICATE, KEY = SERVICES.certificate, SERVICES.key


class AuthorityError(Exception):
    """openssl failed; the text says why."""


def wanted_names(given: Sequence[str]) -> list[str]:
    """Return those of *given* that a certificate can have: names of hosts and IP addresses."""
    return sorted({_plain(name) for name in given if is_address(name) or NAME.fullmatch(name)})


def steps(run: Run, names: Sequence[str], pair: Pair) -> list[str]:
    """Return what is to be made, in this order: `authority`, `server`, `group`; empty if *pair* is as it must be."""
    if not (AUTHORITY.exists() and AUTHORITY_KEY.exists() and _lasts(run, AUTHORITY, RENEWED_DAYS)):
        return ["authority", "server", "group"]
    if not (pair.certificate.exists() and pair.key.exists() and _lasts(run, pair.certificate, RENEWED_DAYS)):
        return ["server", "group"]
    if not set(names) <= set(names_of(run, pair)) or not _is_signed(run, pair):
        return ["server", "group"]
    return [] if pair.key.stat().st_gid == pair.group else ["group"]


def make(run: Run, names: Sequence[str], due: Sequence[str], pair: Pair) -> None:
    """Make what *due* names. A certificate keeps the names that it has."""
    files.make_directory(DIRECTORY)
    if "authority" in due:
        _make_authority(run)
    if "server" in due:
        # A certificate of another authority, as after a restore of half the directory, gives no names.
        kept = names_of(run, pair) if "authority" not in due else []
        _make_server(run, sorted({*names, *kept}), pair)
    if "group" in due:
        _give(pair.key, pair)


def names_of(run: Run, pair: Pair) -> list[str]:
    """Return the names and addresses in the certificate of *pair*, none if it does not exist."""
    if not pair.certificate.exists():
        return []
    text = _checked(run, ["x509", "-in", str(pair.certificate), "-noout", "-ext", "subjectAltName"])
    return [_plain(name) for name in SHOWN.findall(text)]


def _plain(name: str) -> str:
    # openssl writes IPv6 addresses in full.
    return str(ipaddress.ip_address(name)) if is_address(name) else name.lower()


def _lasts(run: Run, certificate: Path, days: int) -> bool:
    code, _out, _err = run([PROGRAM, "x509", "-in", str(certificate), "-noout", "-checkend", str(days * DAY)])
    return code == 0


def _is_signed(run: Run, pair: Pair) -> bool:
    code, _out, _err = run([PROGRAM, "verify", "-CAfile", str(AUTHORITY), str(pair.certificate)])
    return code == 0


def _make_authority(run: Run) -> None:
    with tempfile.TemporaryDirectory(dir=RUN_DIRECTORY) as place:
        request = _request(run, Path(place), f"Gatehouse services {secrets.token_hex(4)}")
        signed = ["-signkey", f"{place}/key", "-days", str(AUTHORITY_DAYS)]
        _sign(run, Path(place), request, EXTENSIONS["authority"], signed)
        files.remove(AUTHORITY)
        files.replace(AUTHORITY_KEY, Path(place, "key").read_text(encoding="ascii"), 0o600)
        files.replace(AUTHORITY, Path(place, "certificate").read_text(encoding="ascii"), 0o644)


def _make_server(run: Run, names: Sequence[str], pair: Pair) -> None:
    with tempfile.TemporaryDirectory(dir=RUN_DIRECTORY) as place:
        request = _request(run, Path(place), "Gatehouse service")
        shown = ", ".join(f"{'IP' if is_address(name) else 'DNS'}:{name}" for name in names)
        signed = ["-CA", str(AUTHORITY), "-CAkey", str(AUTHORITY_KEY), "-days", str(CERTIFICATE_DAYS)]
        _sign(run, Path(place), request, EXTENSIONS["server"].format(names=shown), signed)
        new = DIRECTORY / f"{pair.name}.{secrets.token_hex(4)}"
        files.make_directory(new)
        files.replace(new / pair.key.name, Path(place, "key").read_text(encoding="ascii"), 0o600)
        files.replace(new / pair.certificate.name, Path(place, "certificate").read_text(encoding="ascii"), 0o644)
        _give(new / pair.key.name, pair)
    files.point(pair.link, new.name)
    for other in DIRECTORY.glob(f"{pair.name}.*"):
        if other != new:
            shutil.rmtree(other)


def _give(key: Path, pair: Pair) -> None:
    """Let the group of the server read a complete key."""
    os.chown(key, 0, pair.group)
    key.chmod(0o640)


def _request(run: Run, place: Path, name: str) -> str:
    """Make a key and the request for its certificate; return the request's path."""
    key, request, configuration = str(place / "key"), str(place / "request"), place / "configuration"
    files.write(configuration, CONFIGURATION.format(name=name), 0o600)
    _checked(run, ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
    _checked(run, ["req", "-new", "-key", key, "-config", str(configuration), "-out", request])
    return request


def _sign(run: Run, place: Path, request: str, extensions: str, signed: Sequence[str]) -> None:
    file = place / "extensions"
    files.write(file, extensions, 0o600)
    serial = ["-set_serial", f"0x{secrets.token_hex(15)}"]
    output = ["-sha256", "-out", str(place / "certificate")]
    _checked(run, ["x509", "-req", "-in", request, "-extfile", str(file), *serial, *signed, *output])


def _checked(run: Run, argv: list[str]) -> str:
    code, out, err = run([PROGRAM, *argv])
    if code != 0:
        raise AuthorityError(f"{PROGRAM} {argv[0]} failed ({code}): {(err or out).strip()}")
    return out

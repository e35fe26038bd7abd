# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage the certificates of sites: each file contains key and chain, so that one rename replaces both."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation, x509
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import is_address

# nginx's master reads it as root, so the workers' group needs no access.
MODE = 0o600
VALIDITY_DAYS = (
    825  # the longest validity that Apple's systems accept, even from an authority that their owner has added
)
RENEWAL_MARGIN = timedelta(days=30)
REQUEST = """\
[req]
distinguished_name = name
x509_extensions = site
prompt = no
[name]
O = Gatehouse
CN = {site}
[site]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = @names
[names]
{names}
"""


@dataclass
class Certificate:
    """The properties of a certificate that Gatehouse uses."""

    names: list[str]
    self_signed: bool
    expires: datetime
    begins: datetime

    def fits(self, names: Iterable[str]) -> bool:
        """Whether it is self-signed, is for exactly *names*, is valid, and does not expire soon.

        One that is not valid yet was made while the clock of the host was wrong.
        """
        now = datetime.now(UTC)
        is_valid = self.begins <= now < self.expires - RENEWAL_MARGIN
        return self.self_signed and set(self.names) == set(names) and is_valid


def directory(conf_dir: str) -> Path:
    """The directory of the certificates."""
    return generation.root(conf_dir) / "certificates"


def path(conf_dir: str, site: str) -> Path:
    """The path of the certificate of *site*."""
    return directory(conf_dir) / f"{site}.pem"


def describe(pem: str) -> Certificate | None:
    """Read the first certificate of *pem*; returns None without one. The key is not read."""
    first = x509.read(pem)
    return Certificate(first.names, first.self_signed, first.expires, first.begins) if first else None


def readable_text(run: Run, pem: str) -> str:
    """Describe the first certificate of *pem* for people, with openssl; empty if it finds none."""
    options = ["-noout", "-subject", "-issuer", "-enddate", "-fingerprint", "-sha256", "-ext", "subjectAltName"]
    block = x509.PEM.search(pem)
    rc, out, _err = _openssl(run, ["x509", *options], f"{block[0]}\n" if block else "")
    return out if rc == 0 else ""


def make(run: Run, site: str, names: Collection[str]) -> str:
    """Create a key and a self-signed certificate for *names*, as PEM."""
    lines = [
        f"{'IP' if is_address(name) else 'DNS'}.{number} = {name}"
        # A site with tls 'acme' needs a placeholder until it has a certificate of the authority.
        for number, name in enumerate(names or ["placeholder.invalid"], 1)
    ]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(VALIDITY_DAYS)]
    # Configuration and result go through pipes, so that the key is never in a temporary file.
    request = ["req", "-x509", "-config", "/dev/stdin", *curve, "-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    rc, out, err = _openssl(run, request, REQUEST.format(site=site, names="\n".join(lines)))
    if rc != 0 or "PRIVATE KEY" not in out or "BEGIN CERTIFICATE" not in out:
        raise ValueError(f"openssl could not create a certificate for site '{site}': {err.strip()}")
    return out


def _openssl(run: Run, arguments: list[str], data: str) -> tuple[int, str, str]:
    if not shutil.which("openssl"):
        raise ValueError("tls needs openssl, which is not installed on this host: install the package 'openssl'")
    return run(["openssl", *arguments], data=data.encode(), binary_data=True)


def required(run: Run, conf_dir: str, sites: Mapping[str, SiteRecord], pems: Mapping[str, str]) -> dict[str, str]:
    """The certificates that *sites* need, as PEM by path; *pems* are the operator's, by site.

    A lost certificate is replaced by a self-signed one: nginx would refuse every change without it.
    """
    needed = {}
    for name, site in sites.items():
        if "tls" not in site or "files" in site["tls"]:
            continue
        file = path(conf_dir, name)
        installed = files.read(file)
        certificate = describe(installed) if installed else None
        if name in pems:
            needed[str(file)] = pems[name]
        elif (
            installed
            and certificate
            and (site["tls"]["mode"] != "self_signed" or certificate.fits(site["tls"]["names"]))
        ):
            needed[str(file)] = installed
        else:
            needed[str(file)] = make(run, name, site["tls"]["names"])
    return needed


def certified_names(conf_dir: str, sites: Iterable[str]) -> dict[str, list[str]]:
    """The names in the valid certificate of an authority, for each of *sites*; empty for a placeholder."""
    names: dict[str, list[str]] = {}
    for site in sites:
        installed = files.read(path(conf_dir, site))
        certificate = describe(installed) if installed else None
        names[site] = (
            certificate.names
            if certificate and not certificate.self_signed and certificate.expires > datetime.now(UTC)
            else []
        )
    return names


def paths_of(conf_dir: str, sites: Mapping[str, SiteRecord]) -> list[Path]:
    """The paths of the certificates, and of keys of the host, that *sites* of a generation use."""
    return [
        Path(file)
        for name, site in sites.items()
        if "tls" in site
        for file in dict.fromkeys(pair(conf_dir, name, site))
    ]


def pair(conf_dir: str, name: str, site: SiteRecord) -> list[str]:
    """The paths of the certificate of site *name*, and of its key."""
    return site.get("tls", {}).get("files") or [str(path(conf_dir, name))] * 2


def digest(paths: Iterable[Path]) -> str:
    """A digest of the content of these files; empty without files."""
    lines = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in paths if file.exists()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def install(contents: Mapping[str, str | None]) -> None:
    """Install each certificate that differs from the installed one, with one rename(2)."""
    for name, content in contents.items():
        file = Path(name)
        if content is not None and content != files.read(file):
            files.make_directory(file.parent, 0o700)
            files.replace(file, content, MODE)


def prune(conf_dir: str) -> None:
    """Remove the certificates of sites that are in no kept generation."""
    installed = list(directory(conf_dir).glob("*.pem"))
    kept: set[str] = set()
    for number in generation.numbers(conf_dir) if installed else []:
        sites = generation.read_record(conf_dir, number)[1]
        kept |= {name for name, site in sites.items() if "tls" in site and "files" not in site["tls"]}
    for file in installed:
        if file.stem not in kept:
            files.remove(file)


def remove_temporary_files(conf_dir: str) -> None:
    """Remove the temporary files that a killed run has left."""
    for file in directory(conf_dir).glob(".*.gatehouse-new"):
        file.unlink()

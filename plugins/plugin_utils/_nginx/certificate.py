# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check an operator's certificate and key on the controller, before they are sent to a host.

The checks raise ValueError with the end of a sentence; the caller adds the site before it. They never quote a key.
"""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime
from itertools import pairwise

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import required_names, uncovered

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    HAS_CRYPTOGRAPHY = True
except ImportError:  # ansible-core requires it for vaults
    HAS_CRYPTOGRAPHY = False

KEY = re.compile(r"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def join_pem(site: Site, certificate: str, key: str | None) -> str:
    """Check key and certificates of *site* and join them to one PEM text: key, certificate, rest of the chain."""
    where = f"tls_certificate '{site['tls_certificate']}'"
    if not HAS_CRYPTOGRAPHY:
        raise ValueError(f"{where} cannot be checked: install the Python package cryptography beside ansible-core")
    blocks = CERTIFICATE.findall(certificate)
    if not blocks:
        raise ValueError(f"{where} contains no PEM certificate ('-----BEGIN CERTIFICATE-----')")
    try:
        chain = [x509.load_pem_x509_certificate(block.encode()) for block in blocks]
    except ValueError as error:
        raise ValueError(f"{where} contains a damaged certificate: {error}") from error
    key_block = _key(site, certificate, key)
    _check_pair(site, chain, key_block)
    _check_dates(where, chain[0])
    _check_names(site, where, chain[0])
    for lower, upper in pairwise(chain):
        if lower.issuer != upper.subject:
            raise ValueError(
                f"{where}: the certificate of {lower.subject.rfc4514_string()} is followed by that of "
                f"{upper.subject.rfc4514_string()}, which did not issue it: "
                "order the chain from the site's certificate to the root"
            )
    return "\n".join([key_block, *blocks]) + "\n"


def _key(site: Site, certificate: str, key: str | None) -> str:
    where = f"tls_key '{site['tls_key']}'" if key is not None else f"tls_certificate '{site['tls_certificate']}'"
    found = KEY.search(certificate if key is None else key)
    if not found:
        remedy = "" if key is not None else ": name the file of the key in tls_key"
        raise ValueError(f"{where} contains no PEM private key{remedy}")
    if found[1] == "ENCRYPTED PRIVATE KEY" or "Proc-Type: 4,ENCRYPTED" in found[0]:
        raise ValueError(
            f"{where} is encrypted, and nginx cannot ask for a passphrase when it starts: "
            "decrypt it (openssl pkey), and protect the file with ansible-vault"
        )
    return found[0]


def _check_pair(site: Site, chain: list[x509.Certificate], key_block: str) -> None:
    where = f"tls_key '{site['tls_key'] or site['tls_certificate']}'"
    try:
        key = load_pem_private_key(key_block.encode(), None)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where} contains a private key that is damaged or of an unsupported type") from error
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fits = [public == one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in chain]
    if not any(fits):
        raise ValueError(f"{where} is not the key of tls_certificate '{site['tls_certificate']}'")
    if not fits[0]:
        raise ValueError(
            f"tls_certificate '{site['tls_certificate']}' does not begin with the site's certificate: "
            "order the chain from the site's certificate to the root"
        )


def _check_dates(where: str, certificate: x509.Certificate) -> None:
    begins, ends, now = _utc(certificate, "not_valid_before"), _utc(certificate, "not_valid_after"), datetime.now(UTC)
    if ends <= now:
        raise ValueError(f"{where} expired on {ends:%Y-%m-%d %H:%M} UTC")
    if begins > now:
        raise ValueError(f"{where} is not valid before {begins:%Y-%m-%d %H:%M} UTC")


def _utc(certificate: x509.Certificate, name: str) -> datetime:
    # cryptography before 42 has only the attribute without a time zone; later versions warn about it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: datetime = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _check_names(site: Site, where: str, certificate: x509.Certificate) -> None:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        certified = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
        certified += [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        # Browsers ignore the subject.
        certified = []
    asked = [name for name in [*site["server_name"], *site["redirect_from"]] if required_names([name])]
    missing = uncovered(asked, certified)
    if missing:
        raise ValueError(
            f"{where} does not cover {', '.join(missing)}, it is for {', '.join(certified) or 'no name'}: "
            "use one for all names in server_name and redirect_from, or remove the name"
        )

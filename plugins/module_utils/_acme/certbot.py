# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inspect certbot's certificates, and build its command line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._acme import dns
from ansible_collections.gatehouse.django.plugins.module_utils._acme.renewal import PREFIX
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import (
    ACME_DIRECTORY,
    CERTBOT_DIRECTORY,
    CERTBOT_LOG,
    RENEWAL_DIRECTORY,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord

CONFIG_DIR = Path(CERTBOT_DIRECTORY)
WEBROOT = Path(ACME_DIRECTORY, "acme")
HOOK = Path(RENEWAL_DIRECTORY, "deploy-certificate")
LOG = Path(CERTBOT_LOG)
CERTBOT_TIMEOUT_SECONDS = 300  # for all validations of one certificate


class CertbotOptions(dns.Dns):
    """The options of module certbot_certificates about the authority."""

    directory_url: str
    email: str | None
    eab_kid: str | None
    eab_hmac_key: str | None


def lineage(site: str) -> Path:
    """The directory with certbot's newest certificate of *site*."""
    return CONFIG_DIR / "live" / f"{PREFIX}{site}"


def reason_to_request(
    run: Run, site: str, names: Collection[str], directory_url: str, authenticator: str = "webroot"
) -> str | None:
    """The reason to request a certificate for *site*, None if certbot has the right one.

    A certificate that expires soon is no reason: certbot's timer renews it.
    """
    try:
        configuration = (CONFIG_DIR / "renewal" / f"{PREFIX}{site}.conf").read_text(encoding="utf-8")
        certificate = certificates.describe((lineage(site) / "cert.pem").read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return "there is none"
    server = re.search(r"^server\s*=\s*(\S+)", configuration, re.MULTILINE)
    if certificate is None or not server:
        return "it is damaged"
    if server[1] != directory_url:
        return f"it is from {server[1]}"
    renewed_by = re.search(r"^authenticator\s*=\s*(\S+)", configuration, re.MULTILINE)
    if renewed_by and renewed_by[1] != authenticator:
        return f"certbot renews it with {renewed_by[1]}"
    if set(certificate.names) != {name.lower() for name in names}:
        return f"it is for {', '.join(certificate.names)}"
    return "it has expired" if certificate.expires <= datetime.now(UTC) else None


def unused_certificates(sites: Mapping[str, SiteRecord]) -> list[str]:
    """The names of Gatehouse's certificates that none of the live *sites* uses: certbot could not renew them."""
    used = {f"{PREFIX}{name}" for name, site in sites.items() if "tls" in site and site["tls"]["mode"] == "acme"}
    return sorted({path.stem for path in (CONFIG_DIR / "renewal").glob(f"{PREFIX}*.conf")} - used)


def remove_incomplete(site: str) -> None:
    """Remove an incomplete certificate that a killed certbot has left: the next run of certbot would fail."""
    name = f"{PREFIX}{site}"
    configuration = CONFIG_DIR / "renewal" / f"{name}.conf"
    files = [lineage(site) / f"{kind}.pem" for kind in ("cert", "chain", "fullchain", "privkey")]
    if all(file.exists() for file in files) and configuration.exists() and configuration.stat().st_size:
        return
    configuration.unlink(missing_ok=True)
    for directory in (lineage(site), CONFIG_DIR / "archive" / name):
        shutil.rmtree(directory, ignore_errors=True)


def command(site: str, names: Collection[str], options: CertbotOptions, secrets: Path | None) -> list[str]:
    """The command line of certbot. The External Account Binding is in the file *secrets*."""
    contact = ["--email", options["email"]] if options["email"] else ["--register-unsafely-without-email"]
    webroot = ["--webroot", "--webroot-path", str(WEBROOT)]
    return [
        *("timeout", "--kill-after=10", str(CERTBOT_TIMEOUT_SECONDS)),
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *contact),
        *("--server", options["directory_url"], *(dns.arguments(options) if options["dns_plugin"] else webroot)),
        *("--cert-name", f"{PREFIX}{site}", "--key-type", "ecdsa", "--deploy-hook", str(HOOK)),
        # reason_to_request has decided that a certificate is due.
        *("--force-renewal", "--renew-with-new-domains"),
        *(["--config", str(secrets)] if secrets else []),
        *(word for name in names for word in ("--domain", name)),
    ]


def secret_configuration(options: CertbotOptions) -> str | None:
    """certbot's configuration file with the External Account Binding, None without one."""
    if not options["eab_kid"]:
        return None
    return f"eab-kid = {options['eab_kid']}\neab-hmac-key = {options['eab_hmac_key']}\n"


def log_size() -> int:
    """The size of certbot's log."""
    return LOG.stat().st_size if LOG.exists() else 0


def log_since(since: int) -> str:
    """Read certbot's log from the size *since* on."""
    if not LOG.exists():
        return ""
    with LOG.open("rb") as log:
        log.seek(since if since <= log_size() else 0)
        return log.read().decode(errors="replace")


def error_message(out: str, err: str, log: str = "") -> str:
    """The authority's answer to a failed request, or the last lines of certbot's output.

    Debian 12's certbot fails with "AttributeError: can't set attribute" and has the authority's error only in its log.
    """
    errors = re.findall(r"^acme\.messages\.Error: (.+)$", log, re.MULTILINE)
    if errors:
        return str(errors[-1])
    reported = re.search(r"reported these problems:\s*(.*?)\s*(?:\n\s*Hint:|\Z)", out, re.DOTALL)
    if reported:
        return " ".join(reported[1].split())
    noise = ("Saving debug log", "Ask for help", "See the logfile", "Plugins selected")
    lines = [line.strip() for line in [*out.splitlines(), *err.splitlines()] if line.strip()]
    return " ".join([line for line in lines if not line.startswith(noise)][-4:])

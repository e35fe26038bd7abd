# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What certbot has of a site, what it lacks, and how it is asked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._acme.renewal import PREFIX
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import SiteRecord

CONFIG_DIR = Path("/etc/letsencrypt")
WEBROOT = Path("/var/lib/gatehouse/acme")
HOOK = Path("/usr/local/lib/gatehouse/deploy-certificate")
LOG = Path("/var/log/letsencrypt/letsencrypt.log")
CERTBOT_TIMEOUT_SECONDS = 300  # seconds, for all that an authority may want to look at


class CertbotOptions(TypedDict):
    """The options of module certbot_certificates about the authority."""

    directory_url: str
    email: str | None
    eab_kid: str | None
    eab_hmac_key: str | None


def lineage(site: str) -> Path:
    """The directory in which certbot keeps the newest certificate of *site*."""
    return CONFIG_DIR / "live" / f"{PREFIX}{site}"


def reason_to_request(run: Run, site: str, names: Collection[str], directory_url: str) -> str | None:
    """Why certbot has to ask for a certificate of *site*, None where it has the right one.

    That one is old is none: its timer sees to that, unless it is over already.
    """
    try:
        configuration = (CONFIG_DIR / "renewal" / f"{PREFIX}{site}.conf").read_text(encoding="utf-8")
        certificate = certificates.describe((lineage(site) / "cert.pem").read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return "there is none"
    server = re.search(r"^server\s*=\s*(\S+)", configuration, re.MULTILINE)
    if certificate is None or not server:
        return "there is none that is whole"
    if server[1] != directory_url:
        return f"it is from {server[1]}"
    if set(certificate.names) != {name.lower() for name in names}:
        return f"it is for {', '.join(certificate.names)}"
    return "it has expired" if certificate.expires <= datetime.now(UTC) else None


def unused_certificates(sites: Mapping[str, SiteRecord]) -> list[str]:
    """The names of certificates of ours that none of nginx's live *sites* is served with: renewing them would fail."""
    used = {f"{PREFIX}{name}" for name, site in sites.items() if "tls" in site and site["tls"]["mode"] == "acme"}
    return sorted({path.stem for path in (CONFIG_DIR / "renewal").glob(f"{PREFIX}*.conf")} - used)


def remove_incomplete(site: str) -> None:
    """Remove what a certbot that was killed has left of a certificate that was never whole: the next would stumble."""
    name = f"{PREFIX}{site}"
    configuration = CONFIG_DIR / "renewal" / f"{name}.conf"
    files = [lineage(site) / f"{kind}.pem" for kind in ("cert", "chain", "fullchain", "privkey")]
    if all(file.exists() for file in files) and configuration.exists() and configuration.stat().st_size:
        return
    configuration.unlink(missing_ok=True)
    for directory in (lineage(site), CONFIG_DIR / "archive" / name):
        shutil.rmtree(directory, ignore_errors=True)


def command(site: str, names: Collection[str], options: CertbotOptions, secrets: Path | None) -> list[str]:
    """certbot's arguments. A secret is not among them: it is in the file *secrets*."""
    contact = ["--email", options["email"]] if options["email"] else ["--register-unsafely-without-email"]
    return [
        *("timeout", "--kill-after=10", str(CERTBOT_TIMEOUT_SECONDS)),
        *("certbot", "certonly", "--non-interactive", "--agree-tos", *contact),
        *("--server", options["directory_url"], "--webroot", "--webroot-path", str(WEBROOT)),
        *("--cert-name", f"{PREFIX}{site}", "--key-type", "ecdsa", "--deploy-hook", str(HOOK)),
        # Whether one is due has been decided: by its names, its authority and its date.
        *("--force-renewal", "--renew-with-new-domains"),
        *(["--config", str(secrets)] if secrets else []),
        *(word for name in names for word in ("--domain", name)),
    ]


def secret_configuration(options: CertbotOptions) -> str | None:
    """The content of certbot's configuration file with the External Account Binding, None without one."""
    if not options["eab_kid"]:
        return None
    return f"eab-kid = {options['eab_kid']}\neab-hmac-key = {options['eab_hmac_key']}\n"


def log_size() -> int:
    """Where certbot's log ends."""
    return LOG.stat().st_size if LOG.exists() else 0


def log_since(since: int) -> str:
    """What certbot has logged since its log ended there."""
    if not LOG.exists():
        return ""
    with LOG.open("rb") as log:
        log.seek(since if since <= log_size() else 0)
        return log.read().decode(errors="replace")


def error_message(out: str, err: str, log: str = "") -> str:
    """What the authority said of a request that failed, or else certbot's own last words.

    Debian 12's certbot stumbles over the authority's error ("AttributeError: can't set attribute"): its log has it.
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

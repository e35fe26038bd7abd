#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certbot_certificates
short_description: Request certificates for sites from an authority with certbot
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Requests certificates from an authority (ACME, RFC 8555) for the sites that M(gatehouse.django.nginx_config) serves
    with O(gatehouse.django.nginx_config#module:sites[].tls=acme). It uses certbot and validates over HTTP (HTTP-01).
  - Before it asks the authority, the module requests a test file under each name, as the authority will request its
    challenge. It requests no certificate for a site with a name that does not lead to this host.
  - The module installs the certificates through the transaction of M(gatehouse.django.nginx_config). certbot's timer
    does the same after each renewal.
  - The module deletes certificates that no site uses any more, so that certbot does not renew them.
  - A site whose certificate cannot be obtained stays unchanged. The module does not fail; RV(failures) gives the
    reason.
requirements:
  - certbot 2.1 or newer and openssl on the host
options:
  sites:
    description:
      - The sites, in the form of O(gatehouse.django.nginx_config#module:sites). The module uses C(name),
        C(server_name) and C(redirect_from) of those with C(tls=acme).
    type: list
    elements: dict
    required: true
  directory_url:
    description:
      - The URL of the authority's directory.
    type: str
    default: https://acme-v02.api.letsencrypt.org/directory
  email:
    description:
      - The e-mail address of the account, for messages of the authority. The module agrees to the authority's terms of
        service.
    type: str
  authority:
    description:
      - The PEM certificate of a private root that issued the certificate of the directory itself.
    type: str
  eab_kid:
    description:
      - The key identifier of an External Account Binding, for authorities that require one.
    type: str
  eab_hmac_key:
    description:
      - The HMAC key of that binding, in base64url.
    type: str
  dns_plugin:
    description:
      - Validate over DNS (DNS-01) instead, with this plugin of certbot, such as V(rfc2136) or V(cloudflare). The host
        needs its package. Wildcards need it, and so do hosts that the authority cannot reach.
    type: str
  dns_credentials:
    description:
      - The content of the plugin's file of credentials, as certbot's documentation describes it. It is kept on the host
        for renewals, in a file that only root can read.
    type: str
  dns_propagation_seconds:
    description:
      - How long certbot waits after it has written the record. Each plugin has its own default.
    type: int
  probe:
    description:
      - Request a test file first. Use V(false) for a host that cannot reach itself by its public names.
    type: bool
    default: true
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.proxy
attributes:
  check_mode:
    support: full
    details:
      - Reports the certificates that would be requested. It cannot predict the answer of the authority.
  diff_mode:
    support: none
seealso:
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Get the certificate of a site
  gatehouse.django.certbot_certificates:
    email: operator@example.com
    sites:
      - name: shop
        tls: acme
        server_name: [shop.example.com]
        redirect_from: [www.shop.example.com]
"""

RETURN = r"""
issued:
  description: The sites that got a certificate; in check mode the sites for which one would be requested.
  returned: success
  type: list
  elements: str
  sample: [shop]
failures:
  description: By site, the reason why it got none.
  returned: success
  type: dict
  sample: {}
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._acme import certbot, dns, hook
from ansible_collections.gatehouse.django.plugins.module_utils._acme.probe import probe
from ansible_collections.gatehouse.django.plugins.module_utils._acme.renewal import install, is_installed
from ansible_collections.gatehouse.django.plugins.module_utils._core import proxy
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe, nginx_program
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import read_base
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.include_hook import NoInclude
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.names import normalised
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import required_names

SPEC: dict[str, Any] = {
    "sites": {"type": "list", "elements": "dict", "required": True},
    "directory_url": {"type": "str", "default": "https://acme-v02.api.letsencrypt.org/directory"},
    "email": {"type": "str"},
    "authority": {"type": "str"},
    "eab_kid": {"type": "str"},
    "eab_hmac_key": {"type": "str", "no_log": True},
    "probe": {"type": "bool", "default": True},
    **dns.SPEC,
    "proxy": proxy.PROXY_SPEC,
}

ATTEMPTS = 4  # an authority may reject a nonce (badNonce); certbot itself retries only once


def requested_names(sites: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The names for which a certificate is requested, by site."""
    for site in sites:
        missing = [option for option in ("name", "server_name") if not site.get(option)]
        if missing and site.get("state") != "absent":
            raise Refused(f"site '{site.get('name')}': {' and '.join(missing)} is missing. Nothing was changed.")
    return {
        site["name"]: required_names(map(normalised, [*site["server_name"], *(site.get("redirect_from") or [])]))
        for site in sites
        if site.get("tls") == "acme" and site.get("state") != "absent"
    }


def issue(module: AnsibleModule, site: str, names: list[str]) -> str | None:
    """Request the certificate of *site*; returns the reason if that fails."""
    unreachable = probe(names, certbot.WEBROOT) if module.params["probe"] and not module.params["dns_plugin"] else []
    if unreachable:
        reasons = " ".join(unreachable)
        return f"No certificate was requested, because the authority would not find its challenge: {reasons}"
    certbot.remove_incomplete(site)
    secret = certbot.secret_configuration(module.params)
    with tempfile.TemporaryDirectory(dir=module.tmpdir) as directory:
        path = Path(directory) / "certbot.ini"
        if secret:
            path.touch(mode=0o600)
            path.write_text(secret, encoding="ascii")
        command = certbot.command(site, names, module.params, path if secret else None)
        environment = proxy.environment(module.params["proxy"])
        environment |= {"REQUESTS_CA_BUNDLE": str(hook.ROOTS)} if module.params["authority"] else {}
        for _attempt in range(ATTEMPTS):
            log_position = certbot.log_size()
            rc, out, err = module.run_command(command, environ_update=environment)
            error = certbot.error_message(out, err, certbot.log_since(log_position))
            if rc == 0 or "badNonce" not in error:
                break
    if rc in (124, 137):
        return f"certbot was killed, or timed out after {certbot.CERTBOT_TIMEOUT_SECONDS} seconds."
    if rc != 0:
        # An error of the host's file system ("[Errno 28] ...") is not an answer of the authority.
        return f"{'certbot failed' if '[Errno ' in error else 'The authority issued no certificate'}: {error}"
    return None


def try_issue(module: AnsibleModule, site: str, names: list[str]) -> str | None:
    """Call issue(); returns the reason as well if the host's file system is full or read-only."""
    try:
        return issue(module, site, names)
    except OSError as error:
        # write(2) names no file.
        place = "" if error.filename else f": '{certbot.WEBROOT}'"
        return f"No certificate was requested: {error}{place}"


def serve(module: AnsibleModule, conf_dir: str, site: str) -> str | None:
    """Install certbot's certificate for nginx, unless the hook has done so; returns the reason if that fails."""
    lineage = certbot.lineage(site)
    try:
        if is_installed(conf_dir, lineage) or install(module.run_command, lineage):
            return None
        return "nginx's live configuration has no such site with tls 'acme': publish it first."
    except (Refused, LockError, NoInclude, OSError, ValueError) as error:
        return f"certbot obtained the certificate, but nginx does not serve it: {error}"


def main() -> None:
    """Request the missing certificates."""
    module = AnsibleModule(
        argument_spec=SPEC, supports_check_mode=True, required_together=[("eab_kid", "eab_hmac_key")]
    )
    os.umask(0o022)
    module.no_log_values.update(proxy.passwords(module.params["proxy"]))
    if said := proxy.problem(module.params["proxy"] or {}):
        module.fail_json(f"{said} Nothing was changed.")
    attempt = Attempt("looking at nginx and certbot on this host")
    with explain_failures(module, attempt, (Refused, LockError)):
        _run(module, attempt)


def _run(module: AnsibleModule, attempt: Attempt) -> None:
    params = module.params
    binary = nginx_program(module.get_bin_path)
    conf_dir = describe(module.run_command, binary)["conf_dir"]
    variables = proxy.environment(params["proxy"])
    environment = hook.environment_files(params["authority"], variables)
    hook_files: dict[Path, str | None] = {**hook.hook_files(), **environment, **dns.files(params)}
    authenticator = dns.authenticator(params)
    failures: dict[str, str] = {}
    attempt.doing = f"comparing what certbot has in {certbot.CONFIG_DIR} with the sites"
    sites = requested_names(params["sites"])
    unused = certbot.unused_certificates(read_base(conf_dir).sites)
    if not sites and not unused:
        module.exit_json(changed=False, issued=[], failures={})
    if said := dns.problem(params, sites):
        raise Refused(f"{said} Nothing was changed.")
    outdated = hook.outdated(hook_files)
    due = [
        name
        for name, names in sites.items()
        if certbot.reason_to_request(module.run_command, name, names, params["directory_url"], authenticator)
    ]
    changed = bool(outdated or due or unused)
    if module.check_mode:
        module.exit_json(changed=changed, issued=due, failures={})
    if module.get_bin_path("certbot") is None:
        raise Refused(
            f"certbot is not installed on this host, and the certificates of {', '.join(due) or 'the sites'} need it; "
            "the role gatehouse.django.django_site installs it. Nothing was changed."
        )
    attempt.doing = f"writing certbot's deploy hook {certbot.HOOK}"
    attempt.state = "No certificate was asked for; the next run writes the rest."
    hook.write(hook_files, outdated)
    if hook.DROP_IN in outdated:
        module.run_command(["systemctl", "daemon-reload"], check_rc=True)
    served: list[str] = []
    attempt.state = lambda: (
        f"Sites that are served with their certificate: {', '.join(served) or 'none of this run'}. "
        "Run this again for the rest."
    )
    for name, names in sites.items():
        attempt.doing = f"getting the certificate of site '{name}'"
        changed = changed or not is_installed(conf_dir, certbot.lineage(name))
        problem = try_issue(module, name, names) if name in due else None
        if problem and not certbot.reason_to_request(
            module.run_command, name, names, params["directory_url"], authenticator
        ):
            problem = None  # certbot was killed after it had obtained the certificate
        problem = problem or serve(module, conf_dir, name)
        failures |= {name: problem} if problem else {}
        served += [] if problem else [name]
    for name in unused:
        attempt.doing = f"deleting the certificate {name}, which no site uses"
        module.run_command(["certbot", "delete", "--non-interactive", "--cert-name", name])
    module.exit_json(changed=changed, issued=[name for name in due if name not in failures], failures=failures)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_certificate
short_description: Make a certificate for services or for nginx of a host, with an authority of the host's own
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Makes a certificate in C(/etc/gatehouse/services), for services such as PostgreSQL or for nginx behind balancers,
    and an authority that signs both. Clients that get the authority verify the server.
  - The key of the authority stays on the host. The authority is valid for 30 years and the certificate for 10; the
    module renews each of them when less than 5 years are left.
  - A certificate keeps the names that it has. It needs C(openssl), which Debian's PostgreSQL depends on.
options:
  names:
    description:
      - The names and IP addresses by which clients reach the host.
      - With O(pair=web), an empty list makes no certificate where there is none.
    type: list
    elements: str
    required: true
  pair:
    description:
      - Which certificate - V(services) is in C(server/server.crt) and C(server/server.key), for PostgreSQL and Valkey.
        V(web) is in C(web/server.crt) and C(web/server.key), for nginx behind balancers.
    type: str
    choices: [services, web]
    default: services
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Make the certificate of a database server
  gatehouse.django.service_certificate:
    names: [db1.example.com, 192.0.2.20]
"""

RETURN = r"""
authority:
  description: The certificate of the authority, for clients. Empty in check mode if it does not exist yet.
  returned: success
  type: str
names:
  description: The names in the certificate; in check mode those that it has now.
  returned: success
  type: list
  elements: str
  sample: [db1.example.com]
made:
  description: What was made, C(authority), C(server) and C(group).
  returned: success
  type: list
  elements: str
  sample: [server, group]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core import authority, files
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked


def main() -> None:
    """Make what is missing."""
    spec = {
        "names": {"type": "list", "elements": "str", "required": True},
        "pair": {"type": "str", "choices": ["services", "web"], "default": "services"},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    attempt = Attempt("making the certificate of the services", "Run it again.")
    with explain_failures(module, attempt, (authority.AuthorityError, LockError)):
        names = authority.wanted_names(module.params["names"])
        pair = authority.SERVICES if module.params["pair"] == "services" else authority.WEB
        if pair is authority.WEB and not module.params["names"] and not pair.certificate.exists():
            module.exit_json(changed=False, made=[], authority="", names=[])
        if not names and (pair is authority.SERVICES or module.params["names"]):
            given = ", ".join(module.params["names"])
            raise authority.AuthorityError(f"names: none of '{given}' is a name of a host. Nothing was changed.")
        if module.get_bin_path(authority.PROGRAM) is None:
            if not module.check_mode:
                raise authority.AuthorityError("The host has no openssl: install it. Nothing was changed.")
            module.exit_json(changed=True, made=[], authority="", names=[])
        due = authority.steps(module.run_command, names, pair)
        if due and not module.check_mode:
            with locked("services"):
                due = authority.steps(module.run_command, names, pair)
                authority.make(module.run_command, names, due, pair)
        known = authority.names_of(module.run_command, pair)
        text = files.read(authority.AUTHORITY) or ""
        module.exit_json(changed=bool(due), made=due, authority=text, names=known)


if __name__ == "__main__":
    main()

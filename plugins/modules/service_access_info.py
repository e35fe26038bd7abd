#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_access_info
short_description: Read what the host of an app knows of the app's services on other hosts
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Returns the passwords in the environment of the release that is served, the addresses from which the host reaches
    the servers, and a new password for each service. Changes nothing.
  - Says if the name of a server is unknown on this host, or if no route leads to it. It sends no packet.
  - Use it with C(no_log).
options:
  app:
    description: The name of the app.
    type: str
    required: true
  servers:
    description: The addresses of the servers by service, C(database), C(cache) or C(broker).
    type: dict
    default: {}
  authorities:
    description: The files with the certificates of their authorities, by service.
    type: dict
    default: {}
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
"""

EXAMPLES = r"""
- name: Read the password of the shop's database
  gatehouse.django.service_access_info:
    app: shop
    servers: {database: db1.example.com}
  register: access
  no_log: true
"""

RETURN = r"""
app:
  description: The name of the app.
  returned: success
  type: str
  sample: shop
passwords:
  description: The passwords that the release has, by service; empty ones are unknown.
  returned: success
  type: dict
proposals:
  description: A new password for each service.
  returned: success
  type: dict
used:
  description: The host in the inventory of each service on another host that the release uses which is served.
  returned: success
  type: dict
  sample: {database: db1.example.com}
addresses:
  description: The address from which this host reaches each server.
  returned: success
  type: dict
  sample: {database: 192.0.2.10}
authorities:
  description: The contents of O(authorities); empty for a missing file.
  returned: success
  type: dict
pg_dump:
  description: The major version of the newest C(pg_dump) on this host, 0 without one.
  returned: success
  type: int
  sample: 17
server_programs:
  description: The major version of the newest programs of PostgreSQL's server on this host, 0 without any.
  returned: success
  type: int
  sample: 17
problems:
  description: Why servers cannot be reached. It is no failure, because C(no_log) would hide the message.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import service_access
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import files
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_server


def main() -> None:
    """Look at the host."""
    spec = {
        "app": {"type": "str", "required": True},
        "servers": {"type": "dict", "default": {}},
        "authorities": {"type": "dict", "default": {}},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    app, addresses, problems = App(module.params["app"]), {}, []
    attempt = Attempt(f"reading the services of the app {app.name}")
    with explain_failures(module, attempt):
        for kind, server in module.params["servers"].items():
            try:
                addresses[kind] = service_access.source_address(kind, server)
            except service_access.AccessError as error:
                problems.append(str(error))
        module.exit_json(
            changed=False,
            app=app.name,
            addresses=addresses,
            passwords=service_access.passwords(app),
            used=service_access.used(app),
            proposals=service_access.proposals(),
            authorities={kind: files.read(path) or "" for kind, path in module.params["authorities"].items()},
            pg_dump=service_access.pg_dump_version(),
            server_programs=copy_server.newest(),
            problems=problems,
        )


if __name__ == "__main__":
    main()

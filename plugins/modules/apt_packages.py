#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_packages
short_description: Install Debian packages through an HTTP proxy that only this run uses
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Installs those of the packages that are missing with C(apt-get), without recommended packages. It never upgrades a
    package.
  - Unlike M(ansible.builtin.apt), it can use a proxy whose URL contains a password. The password is in no command line,
    output or file. A proxy in the host's own configuration of apt takes precedence.
  - Updates the package lists when they are old, and when apt cannot install a package with them.
options:
  name:
    description: The names of the packages.
    type: list
    elements: str
    required: true
  max_age:
    description: The age of the package lists in seconds from which on they are updated first.
    type: int
    default: 3600
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.proxy
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: ansible.builtin.apt
"""

EXAMPLES = r"""
- name: Install a package through a proxy
  gatehouse.django.apt_packages:
    name: [libpq5]
    proxy:
      url: "http://user:{{ vault_proxy_password }}@proxy.example.com:3128"
"""

RETURN = r"""
missing:
  description: The packages that were not installed before the run.
  returned: success
  type: list
  elements: str
  sample: [libpq5]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core import apt, proxy

SPEC = {
    "name": {"type": "list", "elements": "str", "required": True},
    "max_age": {"type": "int", "default": 3600},
    "proxy": proxy.PROXY_SPEC,
}


def main() -> None:
    """Install what is missing."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    names, given = module.params["name"], module.params["proxy"]
    module.no_log_values.update(proxy.passwords(given))
    if said := proxy.problem(given or {}):
        module.fail_json(f"{said} Nothing was changed.")
    if module.get_bin_path("dpkg-query") is None:
        module.fail_json("The host has no dpkg-query: the collection supports Debian only. Nothing was changed.")
    try:
        missing = apt.missing(module.run_command, names)
        if missing and not module.check_mode:
            apt.install(module.run_command, missing, proxy.environment(given), module.params["max_age"])
    except apt.AptError as error:
        module.fail_json(f"apt cannot install {', '.join(names)}:\n{error}")
    module.exit_json(changed=bool(missing), missing=missing)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inventory
short_description: Evaluate what a playbook works out from the inventory
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Evaluates expressions on the controller, and refuses with the message of the filter that fails, such as one for
    C(hosts) of an app that match no host of the inventory. It does not connect to the host.
  - The playbooks of the collection do this before anything changes. Without it, the first condition that has such an
    expression would fail, and Ansible puts words of its own before the message.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: all
options:
  expressions:
    description: The expressions, without braces. Each is a list or a text.
    type: list
    elements: str
    required: true
seealso:
  - module: gatehouse.django.check_sites
"""

EXAMPLES = r"""
- name: Check the inventory
  gatehouse.django.check_inventory:
    expressions:
      - django_apps | gatehouse.django.apps_of_host(inventory_hostname, groups)
"""

RETURN = r"""
changed:
  description: Always V(false).
  returned: success
  type: bool
"""

#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check_sites
short_description: Check sites on the controller before anything changes
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Refuses what M(gatehouse.django.nginx_config) would refuse before it connects to the host, such as an option without
    effect, or a directory of pages that does not exist on the controller. It does not connect to the host.
  - The playbook C(gatehouse.django.site) does this before it installs nginx and deploys the apps. A mistake in a site
    then changes nothing.
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
  sites:
    description: The sites, as M(gatehouse.django.nginx_config) has them in its option of this name.
    type: list
    elements: dict
    required: true
seealso:
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Check the sites
  gatehouse.django.check_sites:
    sites: "{{ django_sites | gatehouse.django.django_sites }}"
"""

RETURN = r"""
changed:
  description: Always V(false).
  returned: success
  type: bool
listen:
  description: The addresses of the sites, for O(gatehouse.django.nginx_info#module:listen).
  returned: success
  type: list
  elements: str
  sample: ['80', '[::]:80', '443', '[::]:443', 443/udp]
"""

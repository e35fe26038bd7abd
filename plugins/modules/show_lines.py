#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: show_lines
short_description: Print lines as they are
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Prints lines on the controller without quotes, commas and escapes, such as the table of the playbook
    C(gatehouse.django.status). M(ansible.builtin.debug) prints a list as JSON unless C(result_format) is V(yaml).
  - Control characters are printed as escapes. With another C(stdout_callback) than the default one, the lines are only
    in the result of the task.
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
  lines:
    description: The lines.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Report
  gatehouse.django.show_lines:
    lines: "{{ {inventory_hostname: found} | gatehouse.django.status_table }}"
"""

RETURN = r"""
msg:
  description: The lines.
  returned: success
  type: list
  elements: str
"""

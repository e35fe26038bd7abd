# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation of modules that download shares about the proxy."""

from __future__ import annotations


class ModuleDocFragment:
    """The option `proxy`."""

    DOCUMENTATION = r"""
options:
  proxy:
    description: The HTTP proxy through which the host reaches the internet.
    type: dict
    suboptions:
      url:
        description:
          - Its URL, like V(http://proxy.example.com:3128) or V(http://user:password@proxy.example.com:3128). Encode
            special characters of user and password, like C(%40) for C(@).
        type: str
      no_proxy:
        description:
          - Host names, domains (V(.example.com)) and networks that the host reaches without it. The host itself is
            always among them. Networks are not understood by every program.
        type: list
        elements: str
        default: []
"""

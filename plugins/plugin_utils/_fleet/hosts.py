# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the hosts that the option `hosts` of an app or of a site names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain

Groups = Mapping[str, list[str]]
# In a pattern, these are no part of the name of a host or a group
# (https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html).
OPERATORS = "!&~*?["


def hosts_of(entry: Mapping[str, Any], groups: Groups, where: str) -> list[str] | None:
    """Return the hosts of an app or a site in the order of the inventory; None if it names none, for every host.

    *groups* is Ansible's variable. Raise ValueError, which begins with *where*, if `hosts` matches no host.
    """
    given = plain(entry.get("hosts"))
    if given is None or given == "":
        return None
    patterns = given if isinstance(given, list) else [given]
    if not patterns or not all(isinstance(one, str) and one.strip() for one in patterns):
        raise ValueError(
            f"{where}: hosts must be a group, a pattern or a list of hosts, like 'web' or [web1, web2], not {given!r}. "
            "Remove it for every host of the play."
        )
    patterns = [name for one in patterns for name in split_host_pattern(one)]
    for name in patterns:
        if not any(sign in name for sign in OPERATORS) and name not in groups and name not in groups["all"]:
            raise ValueError(
                f"{where}: hosts: {unknown(name, sorted({*groups, *groups['all']}), 'group or host of the inventory')}"
            )
    try:
        found = {host.name for host in _inventory(groups).get_hosts(pattern=patterns)}
    except AnsibleError as error:
        raise ValueError(f"{where}: hosts {given!r}: {error}") from error
    if not found:
        empty = [name for name in patterns if groups.get(name) == []]
        reason = f"the group '{empty[0]}' is empty: add hosts to it" if empty else "correct it, or add the hosts"
        raise ValueError(f"{where}: hosts {given!r} matches no host of the inventory: {reason}. Nothing was changed.")
    return [name for name in groups["all"] if name in found]


def is_on(entry: Mapping[str, Any], host: str, groups: Groups, where: str) -> bool:
    """Return whether an app or a site is for *host*."""
    hosts = hosts_of(entry, groups, where)
    return hosts is None or host in hosts


def _inventory(groups: Groups) -> InventoryManager:
    """Return an inventory with these groups, as the lookup ansible.builtin.inventory_hostnames makes one."""
    inventory = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    return inventory

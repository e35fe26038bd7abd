# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that returns a variable of the command line with all its words."""

from __future__ import annotations

from collections.abc import Callable

from ansible import context
from ansible.parsing.splitter import parse_kv

# Variables of the playbooks. They can stand beside another one in the same argument: -e "app=shop command=check".
VARIABLES = frozenset(
    {"app", "at", "command", "confirm", "every_host", "lines", "only", "release", "since", "site", "sort", "sources"}
)


def all_words(value: str, name: str) -> str:
    """Return the variable *name*, whose *value* lacks words after the first one if the shell removed the quotes.

    From `-e command="migrate shop 0002"` Ansible gets `command=migrate shop 0002`, and takes only `migrate` as value.
    """
    for given in reversed([str(one) for one in context.CLIARGS.get("extra_vars") or ()]):
        if given.startswith(f"{name}="):
            found = parse_kv(given)
            is_cut = found.get(name) == str(value) and not set(found) <= VARIABLES
            return given.removeprefix(f"{name}=") if is_cut else value
    return value


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"all_words": all_words}

#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_host_info
short_description: Compare a host's PostgreSQL server with the databases that apps need
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Reads which packages, roles, databases, extensions and settings the host lacks for O(databases). Changes nothing.
  - Fails if the server has a role or database of such a name that Gatehouse did not make, unless its C(adopt) is true,
    and if C(pg_hba.conf) does not let the role connect over the unix socket as its own user.
  - Fails as well if the file system of the server's data has no space left.
  - Says which settings wait for a restart of the server, and whether an app could notice it. That no client is
    connected does not mean that no app uses it, because Django by default opens a connection for each request.
  - The role M(gatehouse.django.postgresql) uses it. It needs C(become) to root.
options:
  databases:
    description: The databases that apps need.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the database, of its owner, and of the user on the host.
        type: str
        required: true
      extensions:
        description: The extensions of the database.
        type: list
        elements: str
        default: []
      connections:
        description: How many connections the role can open at once.
        type: int
        default: 50
      adopt:
        description: Whether to use an existing role and database of this name.
        type: bool
        default: false
      remote:
        description:
          - Whether the app is on other hosts. Then it needs no line of C(pg_hba.conf) for the unix socket, and the
            limit of C(connections) is never lowered, because each of these hosts works out one of its own.
        type: bool
        default: false
      refuse_empty:
        description:
          - Fail with this text if the host has no such database, or one without tables. Empty to accept both.
        type: str
        default: ""
  installed_now:
    description: Whether this play has installed the server, so that no settings of others are lost.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
"""

EXAMPLES = r"""
- name: Look at PostgreSQL
  gatehouse.django.postgresql_host_info:
    databases:
      - name: shop
        extensions: [pg_trgm]
  register: found
"""

RETURN = r"""
missing_packages:
  description: The Debian packages of the server and of its tools that are not installed.
  returned: success
  type: list
  elements: str
  sample: [postgresql, python3-psycopg2]
is_online:
  description: Whether the cluster on port 5432 runs.
  returned: success
  type: bool
  sample: true
major:
  description: The version of this cluster. Empty if the host has no cluster.
  returned: success
  type: str
  sample: "17"
programs:
  description:
    - The newest version of the server's programs, if the host has no cluster. They are there alone where Gatehouse has
      installed them for copies of databases of another host.
  returned: success
  type: str
  sample: ""
unit:
  description: The systemd unit of this cluster. Empty if the host has no cluster.
  returned: success
  type: str
  sample: postgresql@17-main.service
extension_packages:
  description: The Debian packages of extensions that are not installed.
  returned: success
  type: list
  elements: str
  sample: [postgresql-17-postgis-3]
databases:
  description: The databases whose role, database or extensions must be made or changed, as far as the server runs.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      sample: shop
    connections:
      description: How many connections the role can open at once.
      type: int
      sample: 50
    extensions:
      description: The extensions that the database lacks.
      type: list
      elements: str
      sample: [pg_trgm]
    exists:
      description: Whether the database exists.
      type: bool
      sample: false
    locale:
      description: The locale of a new database if the cluster's own encoding is not UTF-8, otherwise empty.
      type: str
      sample: C.UTF-8
empty:
  description: The databases that do not exist, or have no tables, as far as the server runs or the host has none.
  returned: success
  type: list
  elements: str
  sample: []
settings_file:
  description: The file with the settings. Empty if Gatehouse does not set any on this server.
  returned: success
  type: str
  sample: /etc/postgresql/17/main/conf.d/gatehouse.conf
settings:
  description: What this file must contain. The C(max_connections) that it has is kept if it suffices.
  returned: success
  type: str
settings_differ:
  description: Whether it contains something else.
  returned: success
  type: bool
  sample: false
drop_in:
  description: The file with which systemd starts the server again that ended because its disk was full. Empty if
    Gatehouse does not set any settings on this server.
  returned: success
  type: str
  sample: /etc/systemd/system/postgresql@17-main.service.d/gatehouse.conf
drop_in_text:
  description: What this file must contain.
  returned: success
  type: str
drop_in_differs:
  description: Whether it contains something else.
  returned: success
  type: bool
  sample: false
pending:
  description: The settings of Gatehouse that take effect when the server is restarted.
  returned: success
  type: list
  elements: str
  sample: [shared_buffers]
use:
  description:
    - Why a restart could be noticed, if settings wait for it - a client is connected, or a database has tables or is
      not of Gatehouse. Otherwise empty.
  returned: success
  type: str
  sample: its database 'shop' is in use
max_connections:
  description: How many clients can be connected until the next start.
  returned: success
  type: int
  sample: 100
needed_connections:
  description: How many connections the roles that Gatehouse has made can open at once.
  returned: success
  type: int
  sample: 60
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core import apt
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import (
    copy_server,
    extensions,
    settings,
    space,
    unit,
)
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import databases as rules
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import (
    PROGRAM,
    Cluster,
    PostgresqlError,
    RunCommand,
    find,
    query,
)

SERVER = "postgresql"
# The modules of community.postgresql need the first one, and Ansible needs acl to become the user postgres.
TOOLS = ("python3-psycopg2", "acl")
SPEC: dict[str, object] = {
    "databases": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "extensions": {"type": "list", "elements": "str", "default": []},
            "connections": {"type": "int", "default": 50},
            "adopt": {"type": "bool", "default": False},
            "remote": {"type": "bool", "default": False},
            "refuse_empty": {"type": "str", "default": ""},
        },
    },
    "installed_now": {"type": "bool", "default": False},
}
NOTHING: dict[str, object] = {
    **{"is_online": False, "major": "", "programs": "", "unit": "", "extension_packages": [], "databases": []},
    **{"settings_file": "", "empty": []},
    **{"settings": "", "settings_differ": False, "pending": [], "use": "", "max_connections": 0},
    **{"needed_connections": 0, "drop_in": "", "drop_in_text": unit.TEXT, "drop_in_differs": False},
}


def look(run: RunCommand, cluster: Cluster, wanted: list[rules.Wanted], *, installed_now: bool) -> dict[str, object]:
    """Return what the running *cluster* lacks; raise PostgresqlError for what must not be changed."""
    state: rules.State = query(run, rules.STATE)
    wanted = [rules.with_kept_limit(state, one) for one in wanted]
    if refused := list(rules.problems(state, wanted)):
        raise PostgresqlError("\n".join(["Refused, nothing was changed. PostgreSQL:", *refused]))
    existing = [one["name"] for one in wanted if one["name"] in (state["databases"] or {})]
    contents: dict[str, rules.Content] = {name: query(run, rules.CONTENT, name) for name in existing}
    empty = [one["name"] for one in wanted if not contents.get(one["name"], {}).get("relations")]
    refuse_empty(wanted, empty)
    needed = rules.connections(state, wanted)
    file = Path(cluster.settings_file)
    content = file.read_text(encoding="utf-8") if file.exists() else None
    is_managed = installed_now or content is not None
    # The first file does not lower the number of a server that was there before.
    known = settings.connections_of(content or "") or max(state["max_connections"], settings.FIRST_CONNECTIONS)
    memory = settings.memory_of(Path("/proc/meminfo").read_text())
    wanted_settings = settings.settings(memory, settings.max_connections(needed, known))
    text = settings.render(wanted_settings)
    pending = [name for name in state["pending"] or [] if is_managed and name in wanted_settings]
    return {
        "extension_packages": extensions.packages(
            cluster.extensions, cluster.major, [name for one in wanted for name in one["extensions"]]
        ),
        "databases": [found for one in wanted if (found := lacking(state, one, contents.get(one["name"], {})))],
        "empty": empty,
        "settings_file": str(file) if is_managed else "",
        "drop_in": str(unit.drop_in(cluster.unit)) if is_managed else "",
        "drop_in_differs": is_managed and unit.differs(cluster),
        "settings": text,
        "settings_differ": is_managed and content != text,
        "pending": pending,
        "use": rules.use(state, lambda name: has_tables(run, name)) if pending else "",
        "max_connections": state["max_connections"],
        "needed_connections": needed,
    }


def has_tables(run: RunCommand, name: str) -> bool:
    """Return whether the database *name* has tables."""
    return bool(query(run, rules.CONTENT, name)["relations"])


def refuse_empty(wanted: list[rules.Wanted], empty: list[str]) -> None:
    """Raise PostgresqlError for the *wanted* databases that must have data and are *empty*."""
    if refused := [one["refuse_empty"] for one in wanted if one["refuse_empty"] and one["name"] in empty]:
        raise PostgresqlError("\n".join(refused))


def lacking(state: rules.State, one: rules.Wanted, content: rules.Content) -> dict[str, object]:
    """Return what must be made or changed for *one* database with its *content*; empty if all is as it must be."""
    name, databases = one["name"], state["databases"] or {}
    missing = [extension for extension in one["extensions"] if extension not in content.get("extensions", [])]
    if not missing and not rules.differs(state, one):
        return {}
    is_utf8 = databases["template1"]["encoding"] == rules.ENCODING
    return {
        **{"name": name, "connections": one["connections"], "extensions": missing, "exists": name in databases},
        "locale": "" if is_utf8 else "C.UTF-8",
    }


def main() -> None:
    """Look at the host."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if module.get_bin_path("dpkg-query") is None:
        module.fail_json("The host has no dpkg-query: the collection supports Debian only. Nothing was changed.")
    try:
        cluster = find(module.run_command) if module.get_bin_path(PROGRAM) else None
        # A server from another source stays the only one.
        packages = TOOLS if cluster else (SERVER, *TOOLS)
        found = {**NOTHING, "missing_packages": apt.missing(module.run_command, packages)}
        if not cluster:
            empty = [one["name"] for one in module.params["databases"]]
            refuse_empty(module.params["databases"], empty)
            found["empty"] = empty
            found["programs"] = str(copy_server.newest() or "")
        if cluster:
            found |= {"is_online": cluster.is_online, "major": cluster.major, "unit": cluster.unit}
        if refused := space.refusal(cluster) if cluster else "":
            raise PostgresqlError(f"Refused, nothing was changed. {refused}")
        if cluster and cluster.is_online:
            params = module.params
            found |= look(module.run_command, cluster, params["databases"], installed_now=params["installed_now"])
    except (PostgresqlError, apt.AptError) as error:
        module.fail_json(str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()

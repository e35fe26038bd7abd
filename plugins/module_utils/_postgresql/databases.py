# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the databases that apps need with those of the server, and refuse what Gatehouse did not make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypedDict

# The comment of each role that Gatehouse has made or was told to use. Only superusers can set it.
MARK = "Made by Gatehouse"
# As users of the host, except for those that the server itself has another use for.
NAME = re.compile(r"(?!(?:postgres|template[01]|public|none)$|pg_)[a-z][a-z0-9_-]{0,31}")
ENCODING = "UTF8"
TEMPLATES = ("template0", "template1")
# Each server has it, for its superuser.
MAINTENANCE = "postgres"
# What the server has, in one answer.
STATE = """
SELECT json_build_object(
  'roles', (SELECT json_object_agg(rolname, json_build_object(
      'comment', shobj_description(oid, 'pg_authid'), 'connections', rolconnlimit,
      'is_plain', rolcanlogin AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    )) FROM pg_roles WHERE oid >= 16384),
  'databases', (SELECT json_object_agg(datname, json_build_object(
      'owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding),
      'is_open', EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
                         WHERE acl.grantee = 0 AND acl.privilege_type = 'CONNECT')
    )) FROM pg_database),
  'rules', (SELECT json_agg(json_build_object(
      'line', line_number, 'databases', database, 'users', user_name, 'method', auth_method, 'options', options
    ) ORDER BY line_number) FROM pg_hba_file_rules WHERE type = 'local' AND error IS NULL),
  'pending', (SELECT json_agg(name ORDER BY name) FROM pg_settings WHERE pending_restart),
  'max_connections', current_setting('max_connections')::int,
  'sessions', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
)
"""
# Tables that an app or an operator may have filled; extensions bring tables of their own.
RELATIONS = """
SELECT count(*) FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
  AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
"""
# What a database has, in one answer.
CONTENT = f"""
SELECT json_build_object('relations', ({RELATIONS}),
  'extensions', (SELECT coalesce(json_agg(extname), '[]') FROM pg_extension))
"""


class Role(TypedDict):
    """A role of the server."""

    comment: str | None
    connections: int  # its limit; -1 without one
    is_plain: bool  # it can log in, and administer nothing


class KnownDatabase(TypedDict):
    """A database of the server."""

    owner: str
    encoding: str
    is_open: bool  # PUBLIC may connect


class Rule(TypedDict):
    """A line of pg_hba.conf for the unix socket."""

    line: int
    databases: list[str] | None
    users: list[str] | None
    method: str
    options: list[str] | None


class State(TypedDict):
    """The answer to STATE; None for what there is none of."""

    roles: dict[str, Role] | None
    databases: dict[str, KnownDatabase] | None
    rules: list[Rule] | None
    pending: list[str] | None  # settings that wait for a restart
    max_connections: int
    sessions: int


class Wanted(TypedDict):
    """A database that an app needs, and its role of the same name."""

    name: str
    extensions: list[str]
    connections: int
    adopt: bool
    remote: bool
    refuse_empty: str


class Content(TypedDict, total=False):
    """What a database has; empty if there is none."""

    extensions: list[str]
    relations: int


def problems(state: State, wanted: Sequence[Wanted]) -> Iterator[str]:
    """Yield why each of the *wanted* databases cannot be made or used: what is found, and a remedy."""
    roles, databases = state["roles"] or {}, state["databases"] or {}
    for one in wanted:
        name = one["name"]
        if not NAME.fullmatch(name):
            yield f"name: '{name}' cannot be the name of a role and a user. Use a slug, like 'shop'."
            continue
        existing = [kind for kind, known in (("role", roles), ("database", databases)) if name in known]
        if existing and not is_ours(roles, name) and not one["adopt"]:
            owner = databases[name]["owner"] if name in databases else name
            other = f" It belongs to the role '{owner}', and '{name}' must own it." if owner != name else ""
            yield (
                f"{name}: the server has a {' and a '.join(existing)} of this name that Gatehouse did not make.{other} "
                f"If the app shall use {'them' if len(existing) > 1 else 'it'}, write adopt: true "
                "(database: {engine: postgresql, adopt: true} in an app's entry). The role then loses all rights of "
                "an administrator, and PUBLIC loses CONNECT. Otherwise choose another name."
            )
        elif name in databases and databases[name]["owner"] != name:
            owner = databases[name]["owner"]
            yield (
                f"{name}: the database of this name belongs to the role '{owner}'. The app connects as '{name}' and "
                f'must own it and its tables: create the role, and run REASSIGN OWNED BY "{owner}" TO "{name}" in '
                f'that database, or only ALTER DATABASE "{name}" OWNER TO "{name}" if it is empty.'
            )
        if not one["remote"] and (said := refused_by_rules(state["rules"] or [], name)):
            yield said


def is_ours(roles: Mapping[str, Role], name: str) -> bool:
    """Return whether Gatehouse made the role *name*."""
    return name in roles and roles[name]["comment"] == MARK


def refused_by_rules(rules: Sequence[Rule], name: str) -> str:
    """Return why the first rule of pg_hba.conf for the role *name* does not know it by its user; empty if it does."""
    first = next((rule for rule in rules if _applies(rule, name)), None)
    if first and first["method"] == "peer" and not any("map=" in one for one in first["options"] or []):
        return ""
    found = f"line {first['line']} applies to it: '{first['method']}'" if first else "no line applies to it"
    place = f"before line {first['line']}" if first else "to the file"
    return (
        f"{name}: pg_hba.conf does not let the app connect over the unix socket as its own user ({found}). "
        f"Add this line {place}, and run systemctl reload postgresql: local {name} {name} peer"
    )


def _applies(rule: Rule, name: str) -> bool:
    return _matches(rule["databases"], name, ("all", "sameuser")) and _matches(rule["users"], name, ("all",))


def _matches(words: Sequence[str] | None, name: str, keywords: Sequence[str]) -> bool:
    # Since PostgreSQL 16, a word that begins with a slash is a regular expression.
    return any(
        word in keywords or word == name or (word.startswith("/") and re.search(word[1:], name)) for word in words or []
    )


def with_kept_limit(state: State, one: Wanted) -> Wanted:
    """Return *one* with the limit of connections that its role has, if other hosts use it and it is higher."""
    role = (state["roles"] or {}).get(one["name"])
    known = role["connections"] if role and role["comment"] == MARK and one["remote"] else 0
    return {**one, "connections": max(one["connections"], known)}


def differs(state: State, one: Wanted) -> bool:
    """Return whether role or database of *one* must be made or changed, apart from its extensions."""
    role, database = (state["roles"] or {}).get(one["name"]), (state["databases"] or {}).get(one["name"])
    if not role or not database:
        return True
    return (
        role["comment"] != MARK
        or not role["is_plain"]
        or role["connections"] != one["connections"]
        or bool(database["is_open"])
    )


def connections(state: State, wanted: Sequence[Wanted]) -> int:
    """Return how many connections all roles that Gatehouse has made, and the *wanted* ones, can open at once."""
    known = {name: role["connections"] for name, role in (state["roles"] or {}).items() if role["comment"] == MARK}
    known |= {one["name"]: one["connections"] for one in wanted}
    return sum(limit for limit in known.values() if limit > 0)


def use(state: State, has_tables: Callable[[str], bool]) -> str:
    """Return why a restart of the server could be noticed, as the end of a sentence; empty if it is not used.

    An app that opens a connection for each request (Django's CONN_MAX_AGE = 0) has none between two of them. So a
    database with tables counts as used. One of others does in any case.
    """
    if sessions := state["sessions"]:
        return f"{sessions} {'clients are' if sessions > 1 else 'client is'} connected"
    for name in sorted(set(state["databases"] or {}) - set(TEMPLATES)):
        if name != MAINTENANCE and not is_ours(state["roles"] or {}, name):
            return f"Gatehouse does not know who uses its database '{name}'"
        if has_tables(name):
            return f"its database '{name}' is in use"
    return ""

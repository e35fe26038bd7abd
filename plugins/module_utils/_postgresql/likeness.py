# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new database takes over from another one: encoding, locale and its provider, the rights of roles, settings."""

from __future__ import annotations

import json

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import RunCommand
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import ask, identifier, literal

# The names of some columns depend on the version.
LOCALE = """
SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
  'provider', to_jsonb(d) ->> 'datlocprovider', 'locale', coalesce(to_jsonb(d) ->> 'datlocale',
  to_jsonb(d) ->> 'daticulocale'), 'rules', to_jsonb(d) ->> 'daticurules') FROM pg_database AS d WHERE datname = {like}
"""
PROVIDERS = {"i": ("icu", "ICU_LOCALE"), "b": ("builtin", "BUILTIN_LOCALE")}
# The owner has all rights, and PUBLIC is not a role.
GRANTS = """
SELECT coalesce(json_agg(json_build_array(privilege_type, pg_get_userbyid(grantee), is_grantable)), '[]')
FROM pg_database, aclexplode(datacl) WHERE datname = {like} AND grantee NOT IN (0, datdba)
"""
# A value can be text of the owner: it is copied as data, and never part of a statement.
SETTINGS = """
DELETE FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = {name});
INSERT INTO pg_db_role_setting (setdatabase, setrole, setconfig)
  SELECT (SELECT oid FROM pg_database WHERE datname = {name}), setrole, setconfig FROM pg_db_role_setting
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = {like});
UPDATE pg_database SET datconnlimit = (SELECT datconnlimit FROM pg_database WHERE datname = {like})
  WHERE datname = {name}
"""


def create(name: str, like: str, run: RunCommand = run_bounded) -> str:
    """Return the statement that makes the database *name*, closed for all; empty if there is no database *like*."""
    answer = ask(run, LOCALE.format(like=literal(like))).strip()
    if not answer:
        return ""
    found = json.loads(answer)
    words = [
        f"CREATE DATABASE {identifier(name)} TEMPLATE template0 ENCODING {literal(found['encoding'])}",
        f"LC_COLLATE {literal(found['collate'])} LC_CTYPE {literal(found['ctype'])}",
    ]
    if found["provider"] in PROVIDERS:
        provider, option = PROVIDERS[found["provider"]]
        words.append(f"LOCALE_PROVIDER {provider} {option} {literal(found['locale'])}")
        words += [f"ICU_RULES {literal(found['rules'])}"] if found["rules"] else []
    return " ".join([*words, "ALLOW_CONNECTIONS false"])


def grants(name: str, like: str, run: RunCommand = run_bounded) -> list[str]:
    """Return the statements that give other roles the rights on the database *name* that they have on *like*."""
    found = json.loads(ask(run, GRANTS.format(like=literal(like))) or "[]")
    return [
        f"GRANT {right} ON DATABASE {identifier(name)} TO {identifier(role)}{' WITH GRANT OPTION' if more else ''}"
        for right, role, more in found
    ]


def settings(name: str, like: str) -> str:
    """Return the statements that give *name* the settings of *like*, also those for roles, and its CONNECTION LIMIT."""
    return SETTINGS.format(name=literal(name), like=literal(like)).strip()

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the options of an app on the controller."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import FORBIDDEN, VARIABLE
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import IDENTIFIER
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    BUILDER_SUFFIX,
    COPY_SUFFIX,
    INSTANCE_PREFIX,
    SLUG,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core import proxy as proxies
from ansible_collections.gatehouse.django.plugins.module_utils._core.prefix import check_prefix
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.backup_options import of_backup
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.database_options import of_database
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.dependency_options import of_dependencies
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.python_options import of_python
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.rehearse_options import of_rehearse
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.sandbox import PROFILE
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source import is_inside
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.source_options import has_deploy_key, of_source
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.step_options import of_steps
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.unit_options import is_within, of_units
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.valkey_options import of_valkey

GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}")
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
APPLICATION = re.compile(rf"{MODULE.pattern}:[A-Za-z_]\w*")
# The role sets these variables. Another value would make the running app differ from the checked one.
RESERVED = re.compile(r"GATEHOUSE_\w*|DJANGO_SETTINGS_MODULE")
# The least and the most of each number, and what it is. gunicorn would refuse a wrong one only after the migrations,
# and a `timeout` of 0 would end the checks of a release at once.
NUMBERS = {
    "workers": (0, 1_000, "It is the number of processes; 0 is one more than the host has CPUs."),
    "threads": (1, 1_000, "It is the number of threads of each worker."),
    "timeout": (1, 86_400, "It is the seconds after which gunicorn replaces a worker that does not respond."),
    "serial": (1, 10_000, "It is how many hosts switch at the same time."),
}
STATUS = (100, 599)


def problems(options: Mapping[str, Any], app: Mapping[str, Any], playbook_dir: str) -> list[str]:
    """Return a message for each problem: option, value, remedy."""
    if options.get("state") == "absent":
        return [*of_keys(options, app), *of_name(options)]
    return [
        *of_keys(options, app),
        *of_name(options),
        *of_modules(options),
        *of_prefix(str(options.get("prefix") or "")),
        *of_source(options.get("source") or {}, playbook_dir),
        *of_python(options, app, playbook_dir),
        *of_environment(options),
        *of_database(options),
        *of_files(options.get("files") or {}),
        *of_dependencies(options),
        *of_other_options(options),
        *of_numbers(options),
        *of_steps(options),
        *of_units(options, list(PROFILE)),
        *of_valkey(options),
        *of_backup(options),
        *of_rehearse(options),
    ]


def of_keys(options: Mapping[str, object], app: Mapping[str, object]) -> Iterator[str]:
    """Check for unknown keys, and for keys that a variable of the inventory overrides."""
    for key, value in app.items():
        if key not in options:
            yield unknown(key, list(options))
        elif options[key] != value and str(options[key]) != str(value):
            yield (
                f"{key}: the variable django_app_{key} of the inventory or the play overrides the value of the "
                "entry in django_apps. Remove that variable, or the key."
            )


def of_name(options: Mapping[str, object]) -> Iterator[str]:
    """Check the app's name."""
    name = str(options.get("name") or "")
    if not SLUG.fullmatch(name):
        yield (
            f"name: '{name}' is not a slug. Use a lower-case letter, then up to 25 lower-case letters, digits, '-' or "
            "'_': users, directories and units get this name. Linux allows 32 characters in a user name, and the user "
            f"that builds is called '<name>{BUILDER_SUFFIX}'."
        )
    if name.startswith(INSTANCE_PREFIX):
        yield (
            f"name: '{name}' is reserved for the user of an instance of Valkey. "
            f"Choose a name that does not begin with '{INSTANCE_PREFIX}'."
        )
    for suffix, does in ((BUILDER_SUFFIX, "builds the app"), (COPY_SUFFIX, "works on copies of the data of the app")):
        if name.endswith(suffix):
            yield (
                f"name: '{name}' is reserved for the user that {does} '{name.removesuffix(suffix)}'. "
                f"Choose a name that does not end with '{suffix}'."
            )


def of_modules(options: Mapping[str, object]) -> Iterator[str]:
    """Check the names of the app's Python modules."""
    module, application = (str(options.get(key) or "") for key in ("settings_module", "application"))
    if not MODULE.fullmatch(module):
        yield f"settings_module: '{module}' is not the name of a Python module. Use a name like 'shop.settings'."
    elif not APPLICATION.fullmatch(application):
        yield f"application: '{application}' is not valid. Use 'module:name', like 'shop.wsgi:application'."


def of_prefix(value: str) -> Iterator[str]:
    """Check the path below which a site serves the app."""
    try:
        if value:
            check_prefix(value)
    except ValueError as error:
        remedy = " Remove the option." if value.strip("/") == "" else ""
        yield f"prefix: '{value}' {error}.{remedy}"


def of_environment(options: Mapping[str, Any]) -> Iterator[str]:
    """Check for names and values that systemd or Django rejects. Never quote a value: it can be a secret."""
    for option in ("environment", "secrets", "build_environment"):
        for name, value in (options.get(option) or {}).items():
            if not VARIABLE.fullmatch(str(name)):
                yield f"{option}: '{name}' is not a valid name of an environment variable (letters, digits, '_')."
            elif RESERVED.fullmatch(name):
                yield f"{option}: '{name}' is set by the role (use settings_module for the settings). Remove it."
            elif isinstance(value, bool) or not isinstance(value, (str, int, float)):
                yield f"{option}: {name} must be a string. Quote it as the project expects it, like '1' or 'true'."
            elif FORBIDDEN.search(str(value)):
                yield (
                    f"{option}: {name} contains a control character, which systemd rejects. "
                    "Only tab and newline are allowed."
                )
    if has_deploy_key(options.get("source") or {}) and "GIT_SSH_COMMAND" in (options.get("build_environment") or {}):
        yield "build_environment: GIT_SSH_COMMAND would make git ignore every deploy_key of source. Remove one of them."
    for name in set(options.get("environment") or {}) & set(options.get("secrets") or {}):
        yield f"secrets: '{name}' is also in environment. Remove it from one of them."


def of_files(files: Mapping[str, object]) -> Iterator[str]:
    """Check configuration files. Never quote their contents."""
    for name, content in files.items():
        if not is_inside(str(name)) or os.path.basename(str(name)) in ("", "."):
            yield f"files: '{name}' must be a relative path inside of the project's directory, like 'shop/local.py'."
        if not isinstance(content, str):
            yield f"files: the content of '{name}' must be a string."


def of_numbers(options: Mapping[str, Any]) -> Iterator[str]:
    """Check numbers that have bounds."""
    for option, (low, high, meaning) in NUMBERS.items():
        # None stands for the default.
        if (value := options.get(option)) is not None and not is_within(value, low, high):
            yield f"{option}: '{value}' must be a whole number from {low} to {high}. {meaning}"
    given = options.get("health_status") or []
    # As Ansible makes a list.
    for status in given if isinstance(given, list) else str(given).split(","):
        if not is_within(str(status).strip(), *STATUS):
            yield (
                f"health_status: '{status}' is not a status code of HTTP, from {STATUS[0]} to {STATUS[1]}. "
                "List those of a healthy release, like [200, 302]."
            )
    if not re.fullmatch(r"[1-9][0-9]{1,5}|[2-9]", str(options.get("keep_releases") or 0)):
        yield f"keep_releases: '{options.get('keep_releases')}' must be a whole number, 2 or more."


def of_other_options(options: Mapping[str, Any]) -> Iterator[str]:
    """Check settings, the health check and other options."""
    for name, value in (options.get("settings") or {}).items():
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", str(name)):
            yield f"settings: '{name}' is not a valid name of a Django setting: use capital letters, digits and '_'."
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            yield f"settings: {name} must consist of strings, numbers, booleans, lists and dictionaries."
    path, host = (str(options.get(key) or "") for key in ("health_path", "health_host"))
    if not re.fullmatch(r"/[!-~]*", path):
        yield (
            f"health_path: '{path}' must begin with '/' and contain only visible ASCII. "
            "Encode other characters, like %20."
        )
    if not re.fullmatch(r"[A-Za-z0-9._:\[\]-]*", host):
        yield (
            f"health_host: '{host}' is not a valid host. "
            "Use a host name like 'shop.example.com', with or without a port."
        )
    group = str(options.get("media_group", "www-data"))
    if not GROUP.fullmatch(group):
        yield f"media_group: '{group}' is not a valid name of a group. Use a group of the host, like 'www-data'."
    for package in options.get("packages") or []:
        if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", str(package)):
            yield f"packages: '{package}' is not a valid name of a Debian package, like 'libpq-dev'."
    for name in options.get("check_ignore") or []:
        if not IDENTIFIER.fullmatch(str(name)):
            yield f"check_ignore: '{name}' is not the identifier of a check, like 'security.W004'."
    for alias in options.get("migrate_databases") or []:
        if not re.fullmatch(r"[\w.-]+", str(alias)):
            yield f"migrate_databases: '{alias}' is not a valid alias of DATABASES, like 'default'."
    if said := proxies.problem(options.get("proxy") or {}):
        yield said
    if options.get("remove_data"):
        yield "remove_data: data is removed only together with the app. Set state to 'absent', or remove this option."

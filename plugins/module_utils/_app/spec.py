# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument spec of django_release, for its action plugin and the module."""

from __future__ import annotations

import re
from typing import Any, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BACKUP_SPEC
from ansible_collections.gatehouse.django.plugins.module_utils._core.proxy import PROXY_SPEC

# It names users, directories and units. Linux allows a user name of 32 characters, of which the suffix takes 6.
BUILDER_SUFFIX = "-build"
COPY_SUFFIX = "-copy"
# Users of instances of Valkey, which exist while these run, have such names (_valkey/texts.py).
INSTANCE_PREFIX = "valkey-"
SLUG = re.compile(r"[a-z][a-z0-9_-]{0,25}")
SOURCE_KINDS = ("git", "directory", "archive", "pypi")

CHECK_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "never"]
# Also of django_rollback: `id` of this run, for its phases, and `by`, the user of the controller.
RUN: dict[str, object] = {
    "type": "dict",
    "apply_defaults": True,
    "options": {"id": {"type": "str", "default": ""}, "by": {"type": "str", "default": ""}},
}
# Of a process or timer: on which of the hosts of the app it runs.
RUN_ON: dict[str, Any] = {"type": "str", "choices": ["all", "one"], "default": "all"}
# The part of a plan's digest that a release records.
CONFIGURATION_CHARACTERS = 12
# Where the host of a health check comes from.
HEALTH_HOST, ALLOWED_HOSTS, ALLOWS_NONE = "option", "settings", "nowhere"
# The action plugin alone checks the options: nothing is done on the host.
CHECK_OPTIONS = "options"
# Of a deployment to several hosts: each of them ends on all hosts before the next one begins.
STEPS = ("build", "migrate", "start", "switch", "cancel")
# What the action plugin works out and sends to the module.
INTERNAL: dict[str, object] = {
    "plan": {"type": "dict"},
    "upload": {"type": "path"},
    "private": {"type": "str", "no_log": True},
    "run": RUN,
}
ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "entry": {"type": "dict", "default": {}, "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "remove_data": {"type": "bool", "default": False},
    "confirm": {"type": "str", "default": ""},
    "source": {
        "type": "dict",
        "options": {
            "git": {"type": "str"},
            "deploy_key": {"type": "str", "no_log": True},
            "known_hosts": {"type": "str"},
            "credentials": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "no_log": True,
                "options": {
                    "url": {"type": "str", "required": True},
                    "deploy_key": {"type": "str", "no_log": True},
                },
            },
            "submodules": {"type": "bool", "default": True},
            "lfs": {"type": "bool"},
            "version": {"type": "str"},
            "directory": {"type": "str"},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "archive": {"type": "str"},
            "checksum": {"type": "str"},
            "pypi": {"type": "str"},
            "subdirectory": {"type": "str", "default": ""},
        },
    },
    "settings_module": {"type": "str"},
    "interface": {"type": "str", "choices": ["wsgi", "asgi"], "default": "wsgi"},
    "application": {"type": "str", "default": ""},
    "prefix": {"type": "str", "default": ""},
    "python": {"type": "str", "default": "python3"},
    "python_downloads": {"type": "str", "default": ""},
    "packages": {"type": "list", "elements": "str", "default": []},
    "requirements": {"type": "list", "elements": "str", "default": []},
    "requirements_file": {"type": "str", "default": ""},
    "groups": {"type": "list", "elements": "str", "default": []},
    "extras": {"type": "list", "elements": "str", "default": []},
    "constraints": {"type": "list", "elements": "str", "default": []},
    "database": {"type": "raw", "default": ""},
    "environment": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "settings": {"type": "dict", "default": {}, "no_log": True},
    "files": {"type": "dict", "default": {}, "no_log": True},
    "build_environment": {"type": "dict", "default": {}, "no_log": True},
    "proxy": PROXY_SPEC,
    "node": {"type": "str", "default": ""},
    "build": {"type": "list", "elements": "str", "default": []},
    "release_commands": {"type": "list", "elements": "str", "default": []},
    "first_commands": {"type": "list", "elements": "str", "default": []},
    "admin": {"type": "dict", "default": {}, "no_log": True},
    "writable": {"type": "list", "elements": "str", "default": []},
    "workers": {"type": "int", "default": 0},
    "threads": {"type": "int", "default": 4},
    "timeout": {"type": "int", "default": 30},
    "health_path": {"type": "str", "default": "/"},
    "health_host": {"type": "str", "default": ""},
    "health_status": {"type": "list", "elements": "int", "default": []},
    "check_deploy": {"type": "str", "choices": CHECK_LEVELS, "default": "ERROR"},
    "check_ignore": {"type": "list", "elements": "str", "default": []},
    "rehearse": {"type": "raw", "default": False},
    "migrate_databases": {"type": "list", "elements": "str", "default": ["default"]},
    "migration_snapshots": {"type": "bool", "default": True},
    "keep_releases": {"type": "int", "default": 5},
    "media_group": {"type": "str", "default": "www-data"},
    "processes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "command": {"type": "str", "required": True},
            "stop_timeout": {"type": "int", "default": 60},
            "run_on": RUN_ON,
        },
    },
    "timers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "command": {"type": "str", "required": True},
            "on_calendar": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 3600},
            "run_on": RUN_ON,
        },
    },
    "cache": {"type": "raw", "default": {}},
    "broker": {"type": "raw", "default": {}},
    "sandbox": {"type": "dict", "default": {}},
    "backup": BACKUP_SPEC,
    # Without a default: Ansible would write those of the suboptions into it.
    "limits": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "memory": {"type": "str", "default": "75%"},
            "cpu": {"type": "int", "default": 100},
            "tasks": {"type": "int", "default": 2048},
            "open_files": {"type": "int", "default": 65536},
        },
    },
    "hosts": {"type": "raw", "default": ""},
    "serial": {"type": "int", "default": 1},
    "services": {"type": "dict", "default": {}, "no_log": True},
    "step": {"type": "str", "choices": ["all", CHECK_OPTIONS, *STEPS], "default": "all"},
    "candidate": {"type": "dict", "default": {}},
    **INTERNAL,
}
REQUIRED_IF = [("state", "present", ("source", "settings_module"))]
# The options of an app in an inventory, by their names there. `name` is the module's `app`.
NO_OPTIONS = ("app", "entry", "services", "step", "candidate", *INTERNAL)
APP_OPTIONS = ("name", *(name for name in ARGUMENT_SPEC if name not in NO_OPTIONS))
# What the module reads besides `plan`, `upload` and `private`. No secret is among them.
SENT = (
    *("app", "state", "source", "settings_module", "application", "python", "requirements", "media_group"),
    *("check_deploy", "check_ignore", "migrate_databases", "migration_snapshots", "keep_releases", "writable"),
    *("requirements_file", "groups", "extras", "constraints", "database", "cache", "broker", "rehearse"),
    *("step", "candidate"),
)


class Health(TypedDict):
    """The health check of a release."""

    host: str  # of the request; empty for the first name in ALLOWED_HOSTS
    path: str
    status: list[int]  # empty for 200 to 399
    timeout: int  # seconds after which gunicorn replaces a worker


class RecordedHealth(Health):
    """The health check as a release records it."""

    # Where `host` comes from: HEALTH_HOST, ALLOWED_HOSTS, or ALLOWS_NONE if these are empty; empty if unknown.
    host_from: str


class Record(TypedDict):
    """The keys of a release's release.json that later runs read."""

    units: dict[str, str]  # contents by path, as in the plan
    health: RecordedHealth  # `host` is never empty here
    migrations: list[str]  # that this release applied
    known_migrations: list[str]  # all migrations of its code
    check: str  # the output of `check --deploy`
    static_url: str  # STATIC_URL; empty if it is unknown
    dependencies: str  # the list that was installed, for the operator


class Release(Record):
    """All of release.json."""

    id: str
    revision: str  # of the source
    configuration: str  # of the plan's digest, CONFIGURATION_CHARACTERS
    built: str  # UTC time in ISO 8601 format
    phases: dict[str, float]  # seconds by phase
    node: str  # the directory of the Node.js of its build; empty for that of the host


class Plan(TypedDict):
    """The release that the action plugin derives from the options: all of it except the source."""

    digest: str  # of all that makes the release, except its source
    venv_digest: str  # of all that makes its virtual environment, except the project's own list of dependencies
    revision: str  # of the source; empty for git, until the host resolves it
    files: dict[str, str]  # in the release's directory `gatehouse`, content by name
    units: dict[str, str]  # of systemd, and the app's `manage`, content by path
    sandbox: list[str]  # properties of systemd units
    calendars: dict[str, str]  # of the timers, by their names
    packages: list[str]  # of the distribution
    server: str  # requirement of the application server, for projects without one
    uv: str  # requirement of uv, with the hashes of its wheels
    exporters: dict[str, str]  # requirements of the tools that read locks, with hashes, by the name of the tool
    node: str  # requirement of Node.js, with the hashes of its wheels; empty for that of the host
    build: list[list[str]]  # the words of the commands of each step
    release_commands: list[list[str]]
    first_commands: list[list[str]]
    has_admin: bool
    health: Health
    look_only: bool  # the module changes nothing, as in check mode

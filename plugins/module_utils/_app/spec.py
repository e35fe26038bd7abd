# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments of django_release, for its controller half and for the module."""

from __future__ import annotations

import re
from typing import Any

# It names users, directories and units. Linux allows a user name of 32 characters, of which the suffix takes 6.
BUILDER_SUFFIX = "-build"
SLUG = re.compile(r"[a-z][a-z0-9_-]{0,25}")
SOURCE_KINDS = ("git", "directory", "archive", "pypi")

ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "remove_data": {"type": "bool", "default": False},
    "source": {
        "type": "dict",
        "options": {
            "git": {"type": "str"},
            "deploy_key": {"type": "str", "no_log": True},
            "known_hosts": {"type": "str"},
            "version": {"type": "str"},
            "directory": {"type": "str"},
            "archive": {"type": "str"},
            "checksum": {"type": "str"},
            "pypi": {"type": "str"},
            "subdirectory": {"type": "str", "default": ""},
        },
    },
    "settings_module": {"type": "str"},
    "application": {"type": "str"},
    "python": {"type": "str", "default": "python3"},
    "requirements": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "settings": {"type": "dict", "default": {}, "no_log": True},
    "project_files": {"type": "dict", "default": {}, "no_log": True},
    "build_environment": {"type": "dict", "default": {}, "no_log": True},
    "files": {"type": "dict", "default": {}},
    "units": {"type": "dict", "default": {}},
    "health": {
        "type": "dict",
        "default": {},
        "apply_defaults": True,
        "options": {
            "host": {"type": "str", "default": ""},
            "path": {"type": "str", "default": "/"},
            "status": {"type": "list", "elements": "int", "default": []},
            "timeout": {"type": "int", "default": 30},
        },
    },
    "sandbox": {"type": "list", "elements": "str", "default": []},
    "server": {"type": "str"},
    "uv": {"type": "str"},
    "media_group": {"type": "str", "default": "www-data"},
    "check_deploy": {"type": "str", "default": "ERROR"},
    "migrate_databases": {"type": "list", "elements": "str", "default": ["default"]},
    "keep_releases": {"type": "int", "default": 5},
    "revision": {"type": "str"},
    "digest": {"type": "str"},
    "venv_digest": {"type": "str"},
    "upload": {"type": "path"},
    "private": {"type": "str", "no_log": True},
}
REQUIRED_IF = [("state", "present", ("source", "settings_module", "application", "server", "uv"))]
# What the controller's half works out and sends along.
INTERNAL = ("revision", "digest", "venv_digest", "upload", "private")
# What a virtual environment is made of, besides the project's own list of dependencies and the interpreter.
VENV_INPUT = ("requirements", "server", "uv", "python", "build_environment")
# What says nothing about the release itself: its source has a revision of its own.
NO_INPUT = ("state", "remove_data", "keep_releases", "media_group", "source", *INTERNAL)
# What the controller's half keeps to itself or sends inside 'private': the module must not print any of it.
CONFIDENTIAL = ("environment", "secrets", "settings", "project_files", "build_environment")

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project as its own process reports it: its settings and the directories of its files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import commands
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import variables

MODULE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)


class Settings(TypedDict):
    """The settings that the doctor compares with the site, with the types that settings/report.py ensures."""

    SECURE_PROXY_SSL_HEADER: list[str]
    ALLOWED_HOSTS: list[str]
    CSRF_TRUSTED_ORIGINS: list[str]
    MIDDLEWARE: list[str]
    INSTALLED_APPS: list[str]
    SECURE_SSL_REDIRECT: bool
    DEBUG: bool
    USE_X_FORWARDED_HOST: bool
    CSRF_COOKIE_SECURE: bool
    CSRF_USE_SESSIONS: bool
    SESSION_COOKIE_SECURE: bool
    DATA_UPLOAD_MAX_MEMORY_SIZE: int | None
    SECURE_SSL_HOST: str
    STATIC_URL: str
    STATIC_ROOT: str
    MEDIA_URL: str
    MEDIA_ROOT: str


@dataclass(frozen=True)
class Directory:
    """The directory of STATIC_ROOT or MEDIA_ROOT as the app sees it."""

    # Its real path, empty where the setting is not an absolute path.
    real: str = ""
    # Names of the first files in it.
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """A project's settings, and the place that defines them."""

    values: Settings
    module: str = "settings"
    # Names of the settings that the inventory overrides.
    inventory: frozenset[str] = frozenset()
    # Whether the app server tells the project the scheme: each does in a release that has gatehouse_server.py.
    server_knows_scheme: bool = True
    static: Directory = field(default_factory=Directory)
    media: Directory = field(default_factory=Directory)
    # The option `prefix` of role django_app with which the release was deployed.
    prefix: str = ""
    # The environment of the app. A remedy shows only a variable that is named like a setting which the doctor compares.
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def has_middleware(self, name: str) -> bool:
        """Whether a middleware of that name is active, Django's own or a class derived from it."""
        return any(path.rpartition(".")[2] == name for path in self.values["MIDDLEWARE"])

    @property
    def is_redirecting(self) -> bool:
        """Whether it redirects plain HTTP to HTTPS."""
        return self.values["SECURE_SSL_REDIRECT"] and self.has_middleware("SecurityMiddleware")

    @property
    def checks_forms(self) -> bool:
        """Whether it compares origins and tokens of forms."""
        return self.has_middleware("CsrfViewMiddleware")

    def remedy(self, name: str, value: object) -> str:
        """The line that sets the setting, and where to write it."""
        if not _is_plain(value):
            return f"Add to {name} what it lacks. Its other values have braces, backticks or control characters."
        if name in self.inventory:
            return f"Write in the app's settings in the inventory: `{name}: {json.dumps(value)}`."
        module = self.module if MODULE.fullmatch(self.module) else "the settings"
        return variables.remedy(self.variables, name, value) or f"Write in {module}: `{name} = {value!r}`."


def _is_plain(value: object) -> bool:
    """Whether all texts of *value* can be written as they are: braces in an inventory are a template of Jinja2."""
    if isinstance(value, str):
        return commands.is_showable(value) and not re.search(r"[{}]", value)
    return not isinstance(value, Sequence) or all(map(_is_plain, value))

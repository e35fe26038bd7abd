# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies for requirements that are known to be missing: what tools print, and what to write in the inventory.

The lines to write are those of an entry of `django_apps`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import readable

# What a package without a wheel needs on Debian to be compiled, and what to use instead of it.
BUILDS: Mapping[str, tuple[str, str]] = {
    "cffi": ("gcc, libffi-dev, python3-dev", ""),
    "lxml": ("gcc, libxml2-dev, libxslt1-dev, python3-dev", ""),
    "mysqlclient": ("gcc, default-libmysqlclient-dev, pkg-config, python3-dev", ""),
    "pillow": ("gcc, libjpeg-dev, zlib1g-dev, python3-dev", ""),
    "psycopg-c": ("gcc, libpq-dev, python3-dev", "psycopg[binary]"),
    "psycopg2": ("gcc, libpq-dev, python3-dev", "psycopg2-binary or psycopg[binary]"),
    "python-ldap": ("gcc, libldap2-dev, libsasl2-dev, python3-dev", ""),
    "uwsgi": ("gcc, python3-dev", ""),
    "xmlsec": ("gcc, libxml2-dev, libxmlsec1-dev, pkg-config, python3-dev", ""),
}
# uv, "Failed to build `psycopg2==2.9.10`".
BUILD_FAILED = re.compile(r"Failed to build `([A-Za-z0-9][A-Za-z0-9._-]*)")
COMPILER = re.compile(
    r"No such file or directory: '\S*g?cc'|Unknown compiler|[Nn]o working compiler|need a C compiler|"
    r"Python\.h: No such file"
)
RUST = re.compile(r"\b(?:cargo|rustc|maturin|puccinialin)\b")
# The first one that is found in the output explains it.
KNOWN = (
    (
        "No module named 'pkg_resources'",
        "pkg_resources is part of setuptools before version 82. Write requirements: ['setuptools<81'].",
    ),
    (
        "No module named 'distutils",
        "Python has no distutils since 3.12, but setuptools has it. Write requirements: [setuptools].",
    ),
    ("No module named 'cgi'", "Python has no cgi since 3.13. Write requirements: [legacy-cgi]."),
    (
        "no pq wrapper available",
        "psycopg needs the library of PostgreSQL. Write packages: [libpq5], or requirements: ['psycopg[binary]'].",
    ),
    (
        "Error loading psycopg2 or psycopg module",
        "The dependencies have no driver of PostgreSQL. Add psycopg to the project's list, or write "
        "requirements: ['psycopg[binary]'].",
    ),
    (
        "Error loading psycopg2 module",
        "The dependencies have no driver of PostgreSQL. Add psycopg2 to the project's list, or write "
        "requirements: [psycopg2-binary].",
    ),
    (
        "too many connections for database",
        "The database has a limit of connections, and none is free. ALTER DATABASE ... CONNECTION LIMIT -1, which "
        "PostgreSQL's superuser runs, removes it.",
    ),
    (
        "too many connections for role|remaining connection slots are reserved|too many clients already",
        "PostgreSQL has no free connection for the app. Write more in database: {engine: postgresql, connections: N}, "
        "or use fewer workers, threads or processes.",
    ),
    (
        # PostgreSQL's own words.
        r'could not (?:extend|write to) file "[^\n]{1,200}: No space left on device|could not write init file',
        "The file system of PostgreSQL's data is full. Make space there, but remove no file of PostgreSQL itself.",
    ),
    (
        "database or disk is full",
        "The file system of the app's data, with its SQLite database, is full. Make space there.",
    ),
    ("libmysqlclient|libmariadb", "mysqlclient needs its library. Write packages: [libmariadb3]."),
    ("Could not find the GDAL library", "GeoDjango needs GDAL. Write packages: [gdal-bin]."),
    ("failed to find libmagic", "python-magic needs its library. Write packages: [libmagic1]."),
    (
        'FATAL: {1,2}(?:role "[^"]{1,100}" does not exist|Peer authentication failed for user)',
        "PostgreSQL has no role for the app. Write database: postgresql in the app's entry, which makes both. "
        "For a database of your own: on the unix socket, PostgreSQL knows the app by its user, which has the app's "
        "name. Create that role (runuser -u postgres -- createuser NAME), give it access to the database, and set no "
        "other USER.",
    ),
    (
        # psycopg, mysqlclient.
        r"connection to server (?:at|on socket) .{1,200} failed: |Can't connect to (?:local )?(?:MySQL )?server|"
        "the database system is (?:starting up|shutting down)",
        "The database server does not answer. Start it (for PostgreSQL on this host: systemctl start postgresql), or "
        "correct its address in environment or secrets.",
    ),
    (
        "WeasyPrint could not import some external libraries",
        "Write packages: [libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0].",
    ),
    ("no library called .?libcairo", "CairoSVG needs its library. Write packages: [libcairo2]."),
    (
        r"could not read (?:Username|Password) for|Permission denied \(publickey|Host key verification failed",
        "A private git repository among the dependencies needs an entry with its URL in source.credentials, with a "
        "token for https, or a deploy_key and source.known_hosts for ssh.",
    ),
    (
        "401 Unauthorized|403 Forbidden",
        "The package index asks for a user and a password, or refuses those that it got. Write them in "
        "build_environment: see 'Private package indexes' in the role's README.",
    ),
    (
        # rustls, which uv uses.
        "certificate expired: verification time|certificate not valid yet",
        "The clock of this host is wrong, or the certificate of the package index is. Compare with `timedatectl`.",
    ),
    (
        "requirements are unsatisfiable",
        "Requirements exclude each other. Those of the inventory (requirements, constraints) cannot change a version "
        "that the project's list names: change it there.",
    ),
)
# Modules whose package has another name.
PACKAGES = {
    **{"MySQLdb": "mysqlclient", "PIL": "Pillow", "allauth": "django-allauth", "bs4": "beautifulsoup4"},
    **{"corsheaders": "django-cors-headers", "crispy_forms": "django-crispy-forms", "dateutil": "python-dateutil"},
    **{"debug_toolbar": "django-debug-toolbar", "decouple": "python-decouple", "django_filters": "django-filter"},
    **{"dotenv": "python-dotenv", "environ": "django-environ", "import_export": "django-import-export"},
    **{"jwt": "PyJWT", "ldap": "python-ldap", "magic": "python-magic", "mptt": "django-mptt"},
    **{"psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary", "rest_framework": "djangorestframework"},
    **{"rest_framework_simplejwt": "djangorestframework-simplejwt", "storages": "django-storages"},
    **{"taggit": "django-taggit", "yaml": "PyYAML"},
}
# If a name has a dot, the package is there, and only its module is missing.
MISSING = re.compile(r"No module named '([A-Za-z_]\w*)'")
# Untrusted programs print the text: the search must end soon.
MAX_CHARACTERS = 100_000


def of_installation(printed: str) -> str:
    """Return a line with the remedy for a failed installation that *printed* this; empty if none is known."""
    text = printed[:MAX_CHARACTERS]
    if failed := BUILD_FAILED.search(text):
        if remedy := _of_build(re.sub(r"[-_.]+", "-", failed[1]).lower().rstrip("-"), text):
            return f"Remedy: {remedy}"
    return _known(text)


def of_import(printed: str, installed: str) -> str:
    """Return a line with the remedy for an import that failed in an environment made of the list *installed*."""
    text = printed[:MAX_CHARACTERS]
    # Before the error, a project can have said which optional module it lacks.
    missing = ([None, *MISSING.finditer(text)])[-1]
    # gatehouse_prepare.py explains a missing settings module itself.
    if (remedy := _known(text)) or missing is None or "settings_module '" in text:
        return remedy
    module = missing[1]
    return (
        f"Remedy: the dependencies ({installed}) have no module '{module}'. Add its package to the project's list, "
        "write the group or extra that has it (groups, extras), or write "
        f"requirements: ['{PACKAGES.get(module, module)}']."
    )


def _of_build(package: str, text: str) -> str:
    packages, instead = BUILDS.get(package, ("", ""))
    if packages:
        other = f" Or use {instead}, which has a wheel." if instead else ""
        return f"{package} has no wheel for this Python and is compiled. Write packages: [{packages}].{other}"
    compiled = (
        f"{readable(package)} has no wheel for this Python and is compiled. Use a version that has one, or write "
    )
    if COMPILER.search(text):
        return f"{compiled}packages: [gcc, g++, python3-dev] and the libraries that its documentation names."
    return f"{compiled}packages: [cargo, gcc, python3-dev]." if RUST.search(text) else ""


def _known(text: str) -> str:
    # The controller adds the line to write for another Python.
    if re.search(r"does not\s+satisfy\s+Python|project's\s+Python\s+requirement", text):
        return ""
    return next((f"Remedy: {remedy}" for pattern, remedy in KNOWN if re.search(pattern, text)), "")

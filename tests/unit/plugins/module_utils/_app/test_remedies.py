"""What is known to be missing gets its remedy. The texts are those that uv, build backends and Python printed."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import remedies

BUILD = """error: Failed to build `{}`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)

         [stderr]
         {}

hint: Build failures usually indicate a problem with the package or the build environment
"""


@pytest.mark.parametrize(
    ("package", "printed", "expected"),
    [
        (
            "psycopg2==2.9.13",
            "Error: pg_config executable not found.",
            "psycopg2 has no wheel for this Python and is compiled. Write packages: [gcc, libpq-dev, python3-dev]. "
            "Or use psycopg2-binary or psycopg[binary], which has a wheel.",
        ),
        (
            "mysqlclient==2.3.2",
            "/bin/sh: 1: pkg-config: not found",
            "[gcc, default-libmysqlclient-dev, pkg-config, python3-dev].",
        ),
        # The package's own libraries at once, and not only the compiler that is missing first.
        ("pillow==12.0", "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'", "libjpeg-dev"),
        (
            "python_ldap @ https://x.test/a",
            "Modules/common.h:15:10: fatal error: lber.h: No such file or directory",
            "libldap2-dev",
        ),
        (
            "own.lib==1",
            "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'",
            "own-lib has no wheel for this Python and is compiled. Use a version that has one, or write packages: "
            "[gcc, g++, python3-dev] and the libraries",
        ),
        ("uwsgi==2.0.31", "Exception: you need a C compiler to build uWSGI", "packages: [gcc, python3-dev]."),
        ("own-lib==1", "Exception: you need a C compiler", "packages: [gcc, g++, python3-dev]"),
        ("own-lib==1", "src/a.c:1:10: fatal error: Python.h: No such file or directory", "[gcc, g++, python3-dev]"),
        ("own-lib==1", "error: can't find Rust compiler\nIs cargo installed?", "packages: [cargo, gcc, python3-dev]."),
        ("own-lib==1", "ModuleNotFoundError: No module named 'pkg_resources'", "requirements: ['setuptools<81']"),
    ],
)
def test_a_package_that_cannot_be_built(package, printed, expected):
    said = remedies.of_installation(BUILD.format(package, printed))
    assert said.startswith("Remedy: ")
    assert expected in said


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (
            "  cause: Because you require a==2 and a==1, we can conclude that your requirements are unsatisfiable.",
            "cannot change a version that the project's list names",
        ),
        ("HTTP status client error (401 Unauthorized) for url (https://x.test/simple/)", "Private package indexes"),
        (
            "         fatal: could not read Username for 'https://git.test': terminal prompts disabled",
            "needs an entry with its URL in source.credentials",
        ),
        (
            "  cause: invalid peer certificate: certificate expired: verification time 2082758400 (UNIX), but "
            "certificate is not valid after 1858707299 (224051101 seconds ago)",
            "The clock of this host is wrong",
        ),
    ],
)
def test_an_installation_that_fails(printed, expected):
    assert expected in remedies.of_installation(printed)


@pytest.mark.parametrize("printed", ["", "error: something else", BUILD.format("own-lib==1", "SyntaxError")])
def test_an_unknown_failure_gets_no_remedy(printed):
    assert remedies.of_installation(printed) == ""
    assert remedies.of_import(printed, "uv.lock") == ""


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("ModuleNotFoundError: No module named 'pkg_resources'", "Write requirements: ['setuptools<81']."),
        ("ModuleNotFoundError: No module named 'distutils.util'", "Write requirements: [setuptools]."),
        ("ModuleNotFoundError: No module named 'cgi'", "Write requirements: [legacy-cgi]."),
        ("ImportError: no pq wrapper available.\nAttempts made:", "packages: [libpq5]"),
        ('Could not find the GDAL library (tried "gdal", "GDAL")', "packages: [gdal-bin]"),
        ("ImportError: failed to find libmagic.  Check your installation", "packages: [libmagic1]"),
        ('OSError: no library called "libcairo-2" was found', "packages: [libcairo2]"),
        *(
            (
                f'connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: FATAL:  {said}',
                "createuser NAME",
            )
            for said in ('role "shop" does not exist', 'Peer authentication failed for user "deploy"')
        ),
        ("ImproperlyConfigured: Error loading psycopg2 or psycopg module", "requirements: ['psycopg[binary]']."),
        ("ImproperlyConfigured: Error loading psycopg2 module: No module named", "requirements: [psycopg2-binary]."),
        (
            "ImproperlyConfigured: Error loading psycopg2 or psycopg module (ImportError: no pq wrapper available)",
            "packages: [libpq5]",
        ),
        ('FATAL:  too many connections for role "shop"', "connections: N"),
        ('FATAL:  too many connections for database "shop"', "CONNECTION LIMIT -1"),
        ('DiskFull: could not extend file "base/1/2": No space left on device', "remove no file of PostgreSQL"),
        (
            'connection to server on socket "/x" failed: FATAL:  could not write init file: No space left on device',
            "The file system of PostgreSQL's data is full.",
        ),
        ("OperationalError: database or disk is full", "The file system of the app's data"),
        (
            'connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
            "The database server does not answer.",
        ),
        (
            'connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: No such file or directory',
            "systemctl start postgresql",
        ),
        ("(2002, \"Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)\")", "database server"),
        (
            "ModuleNotFoundError: No module named 'rest_framework'",
            "the dependencies (uv.lock) have no module 'rest_framework'. Add its package to the project's list, write "
            "the group or extra that has it (groups, extras), or write requirements: ['djangorestframework'].",
        ),
        ("ModuleNotFoundError: No module named 'iniconfig'", "requirements: ['iniconfig']."),
    ],
)
def test_an_import_that_fails(printed, expected):
    assert expected in remedies.of_import(f"Traceback (most recent call last):\n{printed}\n", "uv.lock")


def test_the_last_missing_module_is_the_error():
    said = remedies.of_import("optional: No module named 'debug_toolbar'\nNo module named 'environ'\n", "uv.lock")
    assert "requirements: ['django-environ']" in said


@pytest.mark.parametrize(
    "printed",
    [
        "settings_module 'shop.settigns' cannot be imported: No module named 'shop'. Use the name by which",
        # The package is there: the project names a module that it does not have.
        "ModuleNotFoundError: No module named 'shop.wsgi'",
    ],
)
def test_a_missing_module_of_the_project_is_no_dependency(printed):
    assert remedies.of_import(printed, "uv.lock") == ""


@pytest.mark.parametrize("text", ["Failed to build `", "No module named '", "psycopg2 ", "requirements are ", "/cc'/"])
def test_the_search_ends_soon(text):
    start = time.process_time()
    remedies.of_installation(text * 100_000)
    remedies.of_import(text * 100_000, "uv.lock")
    assert time.process_time() - start < 2


def test_another_python_is_no_conflict_of_requirements():
    words = (
        "Because the current Python version (3.11.2) does not satisfy\n  Python>=3.12 and x==6 depends on Python>=3.12"
    )
    assert remedies.of_installation(f"{words}, we can conclude that your requirements are unsatisfiable.") == ""

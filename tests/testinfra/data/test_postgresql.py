"""The database of an app: what the role has made, and who can connect to it."""

import json

import pytest
from plays import make_databases, sql

READ_DATABASE = (
    "import json; from django.db import connection as c; c.ensure_connection(); "
    "print(json.dumps([c.vendor, c.settings_dict['NAME'], c.settings_dict['PASSWORD']]))"
)


def test_pages_and_management_commands_use_the_database(host, ledger):
    assert ledger.get("/").json()["database"] == "postgresql"
    said = host.check_output("/srv/ledger/manage shell -v 0 -c %s", READ_DATABASE)
    assert json.loads(said.splitlines()[-1]) == ["postgresql", "ledger", ""]


def test_the_role_has_no_password_and_no_right_of_an_administrator(host):
    columns = "rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolpassword IS NULL"
    assert sql(host, f"SELECT {columns} FROM pg_authid WHERE rolname = 'ledger'") == "t|f|f|f|f|f|t"


def test_the_database_belongs_to_it_and_has_its_extensions(host):
    owner = "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'ledger'"
    assert sql(host, owner) == "ledger|UTF8"
    found = sql(host, "SELECT extname FROM pg_extension ORDER BY 1", "ledger").splitlines()
    assert found == ["pg_trgm", "plpgsql", "unaccent"]


@pytest.mark.parametrize("user", ["ledger-build", "www-data"])
def test_another_user_cannot_connect_as_the_app(host, user):
    done = host.run("cd / && runuser -u %s -- psql -d ledger -U ledger -c 'SELECT 1'", user)
    assert "Peer authentication failed" in done.stderr


def test_another_role_cannot_connect_to_its_database(host, undo):
    undo("cd / && runuser -u postgres -- dropuser www-data")
    sql(host, 'CREATE ROLE "www-data" LOGIN')
    done = host.run("cd / && runuser -u www-data -- psql -d ledger -c 'SELECT 1'")
    assert 'permission denied for database "ledger"' in done.stderr


def test_the_settings_are_in_force(host):
    (path,) = host.check_output("ls /etc/postgresql/*/main/conf.d/gatehouse.conf").split()
    lines = [line for line in host.file(path).content_string.splitlines() if not line.startswith("#")]
    wanted = dict(line.split(" = ") for line in lines)
    names = ", ".join(f"'{name}'" for name in wanted)
    shown = sql(host, f"SELECT name, current_setting(name) FROM pg_settings WHERE name IN ({names})").splitlines()
    assert {name: in_mb(value) for name, value in wanted.items()} == dict(
        (name, in_mb(value)) for name, value in (line.split("|") for line in shown)
    )
    assert sql(host, "SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"


def in_mb(value):
    return f"{int(value[:-2]) * 1024}MB" if value.endswith("GB") else value


def test_the_server_accepts_the_connections_of_the_app(host):
    limit = int(sql(host, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'ledger'"))
    # Two workers of four threads, twice during a switch.
    assert limit >= 16
    assert int(sql(host, "SHOW max_connections")) >= limit + 20


def test_another_run_changes_nothing_and_check_mode_says_what_one_would(host, undo):
    undo("cd / && runuser -u postgres -- dropdb --if-exists extra && runuser -u postgres -- dropuser --if-exists extra")
    wanted = {"name": "extra", "extensions": ["citext"], "connections": 5}
    checked = make_databases(host, wanted, check=True)
    assert checked.code == 0, checked.output
    assert "changed=2" in checked.output
    assert sql(host, "SELECT count(*) FROM pg_database WHERE datname = 'extra'") == "0"
    first, second = make_databases(host, wanted), make_databases(host, wanted)
    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "changed=0" not in first.output
    assert "changed=0" in second.output
    assert sql(host, "SELECT count(*) FROM pg_extension WHERE extname = 'citext'", "extra") == "1"


def test_the_app_cannot_have_the_superuser_run_its_functions(host, trap, undo):
    undo("""cd / && runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog' psql -qd ledger -c \\
        'DROP EXTENSION IF EXISTS citext'""")
    limit = int(sql(host, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'ledger'"))
    wanted = {"name": "ledger", "extensions": ["pg_trgm", "unaccent", "citext"], "connections": limit}
    played = make_databases(host, wanted)
    assert played.code == 0, played.output
    assert sql(host, "SELECT count(*) FROM pg_roles WHERE rolname = 'sprung'") == "0"
    assert (
        sql(host, "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'citext'", "ledger") == "public"
    )
    assert "changed=0" in make_databases(host, wanted).output

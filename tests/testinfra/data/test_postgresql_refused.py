"""What others made in the server, and projects that do not use their database."""

import pytest
from plays import PROJECT, make_databases, sql, start_deploy, variant_in

STATE = (
    "SELECT rolname, rolsuper, rolconnlimit, shobj_description(oid, 'pg_authid'), NULL FROM pg_roles "
    "UNION ALL SELECT datname, false, datdba::int, datacl::text, encoding::text FROM pg_database ORDER BY 1, 3"
)


@pytest.fixture
def foreign(host, undo):
    """A role and a database of an operator, with a table and a password."""
    undo("cd / && runuser -u postgres -- dropuser --if-exists foreign")
    undo("cd / && runuser -u postgres -- dropdb --if-exists foreign")
    sql(host, "CREATE ROLE \"foreign\" LOGIN CREATEDB PASSWORD 'geheim'")
    sql(host, 'CREATE DATABASE "foreign" OWNER "foreign"')
    sql(host, "CREATE TABLE public.notes AS SELECT 'kept' AS text", "foreign")


def test_what_others_made_is_used_only_if_the_operator_says_so(host, foreign):
    before = sql(host, STATE)
    refused = make_databases(host, {"name": "foreign"})
    assert refused.code != 0
    assert "has a role and a database of this name that Gatehouse did not make" in refused.refusal
    assert "adopt: true" in refused.refusal
    assert sql(host, STATE) == before

    adopted = make_databases(host, {"name": "foreign", "adopt": True})
    assert adopted.code == 0, adopted.output
    assert sql(host, "SELECT text FROM notes", "foreign") == "kept"
    role = "SELECT rolcreatedb, rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'foreign'"
    assert sql(host, role) == "f|t"
    # From now on it is the app's, without the word.
    again = make_databases(host, {"name": "foreign"})
    assert again.code == 0, again.output
    assert "changed=0" in again.output


def test_the_database_of_another_owner_is_refused(host, foreign):
    sql(host, 'ALTER DATABASE "foreign" OWNER TO postgres')
    refused = make_databases(host, {"name": "foreign", "adopt": True})
    assert refused.code != 0
    assert "belongs to the role 'postgres'" in refused.refusal


def test_a_rule_that_does_not_know_the_app_by_its_user(host, undo):
    (path,) = host.check_output("ls /etc/postgresql/*/main/pg_hba.conf").split()
    undo(f"cp -p {path}.before {path}; rm {path}.before; systemctl reload postgresql")
    host.check_output("cp -p %s %s.before && sed -i '1i local other other trust' %s", path, path, path)
    refused = make_databases(host, {"name": "other"})
    assert refused.code != 0
    assert "line 1 applies to it: 'trust'" in refused.refusal
    assert "before line 1" in refused.refusal
    assert sql(host, "SELECT count(*) FROM pg_roles WHERE rolname = 'other'") == "0"


def test_a_mistake_in_any_option_is_found_before_the_database_is_made(host):
    refused = start_deploy(host, health_path="no path").finish()
    assert refused.code != 0
    assert "health_path: 'no path'" in refused.refusal
    assert "Make the database of the app" not in refused.output


LIST = (PROJECT / "requirements.txt").read_text().splitlines(keepends=True)
WITHOUT_DRIVER = "".join(line for line in LIST if "psycopg" not in line)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"requirements.txt": WITHOUT_DRIVER},
            ["The dependencies have no driver of PostgreSQL", "requirements: ['psycopg[binary]']"],
        ),
        pytest.param(
            {"+ledger/settings.py": "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}\n"},
            ["does not use the database 'ledger' of this host", "ENGINE: django.db.backends.postgresql, NAME: ledger"],
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_project_that_cannot_use_its_database_is_not_served(host, ledger, tmp_path, files, words):
    before = ledger.get("/").json()["release"]
    played = start_deploy(host, variant_in(tmp_path, files)).finish()
    assert played.code != 0
    assert all(word in played.refusal for word in words), played.refusal
    assert ledger.get("/").json()["release"] == before

"""What the superuser of PostgreSQL is made to run, for names that an app has chosen."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import superuser

HOSTILE = "shop\"; DROP DATABASE blog; --'"


class Server:
    """Notes what it is asked, and answers with a row."""

    def __init__(self, row="", code=0, extensions=""):
        self.row, self.code, self.extensions, self.asked = row, code, extensions, []

    def __call__(self, command, data, cwd):
        self.asked.append((command, data))
        return self.code, self.extensions if "pg_extension" in data else self.row, "ERROR:  \x1b[31mno"


@pytest.fixture
def server(monkeypatch):
    server = Server("UTF8|C.UTF-8|C.UTF-8|shop|t\n")
    monkeypatch.setattr(postgresql, "run_bounded", server)
    return server


def test_a_new_database_is_like_the_one_before(server):
    server.extensions = "pg_trgm SCHEMA public\nunaccent SCHEMA public\n"
    postgresql.create("shop_restored", "shop", ["plpgsql", "pg_trgm", "file_fdw", 'x"; DROP DATABASE blog'])
    statements = [data.strip() for _command, data in server.asked]
    assert statements[1:] == [
        'DROP DATABASE IF EXISTS "shop_restored";',
        "CREATE DATABASE \"shop_restored\" OWNER \"shop\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' "
        "LC_CTYPE 'C.UTF-8';",
        'REVOKE ALL ON DATABASE "shop_restored" FROM PUBLIC;',
        f"{superuser.EXTENSIONS.strip()}\n;",
        'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public CASCADE;',
    ]
    assert server.asked[-1][0][-1] == "--dbname=shop_restored"


def test_both_names_change_in_one_transaction(server):
    postgresql.rename({"shop": "shop_before", "shop_restored": "shop"})
    first, second = ('ALTER DATABASE "shop" RENAME TO "shop_before"', 'ALTER DATABASE "shop_restored" RENAME TO "shop"')
    assert server.asked[-1][1] == f"BEGIN; {first}; {second}; COMMIT;\n"


def test_a_name_is_never_a_statement(server):
    postgresql.owner(HOSTILE)
    postgresql.drop(HOSTILE)
    asked = [data for _command, data in server.asked]
    assert "datname = 'shop\"; DROP DATABASE blog; --'''" in asked[0]
    assert asked[1] == 'DROP DATABASE IF EXISTS "shop""; DROP DATABASE blog; --\'" WITH (FORCE);\n'


def test_a_refusal(server):
    server.code = 3
    with pytest.raises(BackupError, match=r"PostgreSQL refused: ERROR: \\x1b\[31mno"):
        postgresql.names()


@pytest.mark.parametrize(
    ("host", "is_local"), [("", True), ("/run/postgresql", True), ("127.0.0.1", True), ("db.example.com", False)]
)
def test_the_server_of_this_host(host, is_local):
    assert postgresql.is_local(host) is is_local

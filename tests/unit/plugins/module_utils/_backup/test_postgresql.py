"""What the superuser of PostgreSQL is made to run, for names that an app has chosen."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup import postgresql
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

LOCALE = (
    '{"encoding": "UTF8", "collate": "C.UTF-8", "ctype": "C.UTF-8", "provider": "c", "locale": null, "rules": null}'
)
HOSTILE = "shop\"; DROP DATABASE blog; --'"


class Server:
    """Notes what it is asked, and answers with a row."""

    def __init__(self, row="", code=0, extensions=""):
        self.row, self.code, self.extensions, self.asked = row, code, extensions, []
        self.leftover, self.refuses, self.locale, self.grants = "", "ERROR:  \x1b[31mno", LOCALE, []

    def __call__(self, command, data, cwd):
        self.asked.append((command, data))
        kinds = {"pg_extension": self.extensions, "datallowconn": self.leftover, "datlocprovider": self.locale}
        kinds |= {"privilege_type, pg_get_userbyid": json.dumps(self.grants)}
        answer = next((given for word, given in kinds.items() if word in data), self.row)
        is_owner = data.startswith("SELECT rolname FROM")
        return 0 if is_owner else self.code, answer, self.refuses

    def changes(self):
        """What it was asked that is more than a question."""
        words = ("ALTER ", "CREATE ", "DROP ")
        return [data.strip() for _command, data in self.asked if any(word in data for word in words)]


@pytest.fixture
def server(monkeypatch):
    server = Server("t|shop\n")
    monkeypatch.setattr(postgresql, "run_bounded", server)
    return server


def test_a_new_database_is_like_the_one_before(server):
    server.extensions = "pg_trgm SCHEMA public\nunaccent SCHEMA public\n"
    postgresql.create("shop_restored", "shop", ["plpgsql", "pg_trgm", "file_fdw", 'x"; DROP DATABASE blog'])
    assert server.changes() == [
        "CREATE DATABASE \"shop_restored\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' "
        "LC_CTYPE 'C.UTF-8' ALLOW_CONNECTIONS false;",
        'BEGIN; REVOKE ALL ON DATABASE "shop_restored" FROM PUBLIC; COMMENT ON DATABASE "shop_restored" IS '
        f"'{postgresql.MADE}'; ALTER DATABASE \"shop_restored\" ALLOW_CONNECTIONS true; COMMIT;",
        'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public CASCADE;',
        'ALTER DATABASE "shop_restored" OWNER TO "shop";',
    ]


def test_other_roles_keep_their_rights(server):
    server.grants = [["CONNECT", "report", False], ["CREATE", 'a"b', True]]
    postgresql.create("shop_restored", "shop", [])
    grants = [data.strip() for _command, data in server.asked if data.startswith("GRANT")]
    assert grants == [
        'GRANT CONNECT ON DATABASE "shop_restored" TO "report";',
        'GRANT CREATE ON DATABASE "shop_restored" TO "a""b" WITH GRANT OPTION;',
    ]


@pytest.mark.parametrize(
    ("leftover", "is_dropped"),
    [(f"shop|t|{postgresql.MADE}", True), ("postgres|f|", True), ("shop|t|", False), ("postgres|t|", False)],
)
def test_only_what_a_killed_run_has_left_is_dropped(server, leftover, is_dropped):
    server.leftover = leftover
    if is_dropped:
        postgresql.create("shop_restored", "shop", [])
        assert server.changes()[0] == 'DROP DATABASE IF EXISTS "shop_restored" WITH (FORCE);'
    else:
        with pytest.raises(BackupError, match="The database 'shop_restored' is in the way"):
            postgresql.create("shop_restored", "shop", [])
        assert server.changes() == []


@pytest.mark.parametrize("keep", [True, False])
def test_both_names_change_in_one_transaction(server, keep):
    server.row = "shop\n"
    postgresql.exchange("shop", "shop_before", "shop_restored", keep=keep)
    (asked,) = server.changes()
    taken = 'REVOKE CONNECT ON DATABASE "shop" FROM PUBLIC; ALTER DATABASE "shop" OWNER TO postgres; '
    assert asked == (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('shop', 'shop_restored'); BEGIN; "
        f"COMMENT ON DATABASE \"shop\" IS '{postgresql.KEPT if keep else postgresql.MADE}'; {taken if keep else ''}"
        f"{postgresql.likeness.settings('shop_restored', 'shop')}; "
        'ALTER DATABASE "shop" RENAME TO "shop_before"; '
        'ALTER DATABASE "shop_restored" OWNER TO "shop"; COMMENT ON DATABASE "shop_restored" IS NULL; '
        'ALTER DATABASE "shop_restored" RENAME TO "shop"; COMMIT;'
    )


def test_a_client_that_comes_back_is_ended_again_for_some_time(server):
    server.row, server.code = "shop\n", 3
    server.refuses = 'database "shop" is being accessed by other users'
    with pytest.raises(BackupError, match="being accessed by other users Stop the client that connects again"):
        postgresql.exchange("shop", "shop_before", "shop_restored", keep=True)
    assert len(server.changes()) == postgresql.ATTEMPTS


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

"""What the superuser is made to run for copies of databases, and what it never drops."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_role, scratch
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

OURS = f"shop-copy|{copy_role.MARK}|t|{scratch.COPY_MARK}"
LIKE = '{"encoding": "UTF8", "collate": "C.UTF-8", "ctype": "C.UTF-8", "provider": "c", "locale": null, "rules": null}'
IGNORED = "pg_restore: warning: errors ignored on restore: 1\n"


class Server:
    """Answers the first question that contains a key of *answers*, and notes what changes it."""

    def __init__(self, **answers):
        self.answers = {"role": f"={copy_role.MARK}", "found": "", "like": LIKE} | answers
        self.changes, self.asked, self.restore = [], [], (0, "")

    def __call__(self, command, data="", cwd="/"):
        if "pg_restore" in command:
            self.command = command
            return self.restore[0], "", self.restore[1]
        kinds = {
            "deptype": "own",
            "FROM pg_roles WHERE": "role",
            "has_database_privilege": "open",
            "starts_with": "names",
            "datallowconn": "found",
            "datcollate": "like",
            "pg_available_extension_versions WHERE name": "available",
            "FROM pg_extension": "extensions",
            "SELECT datname": "names",
            "ALTER ROLE": "reset",
            "pg_auth_members": "memberships",
            "pg_terminate_backend": "sessions",
        }
        self.asked.append(data.strip())
        for text, name in kinds.items():
            if text in data:
                answer = self.answers.get(name, "")
                return 0, f"{answer}\n" if answer else "", ""
        self.changes.append((command[-1].removeprefix("--dbname="), data.strip()))
        return 0, "", ""


def test_a_copy_is_closed_before_it_can_be_used():
    server = Server(extensions="pg_trgm SCHEMA public\npostgis_topology")
    assert scratch.Scratch("shop-copy", server).create("drill", "shop") == "shop-copy-drill"
    made, marked, *extensions, given = server.changes
    assert made[1] == (
        "CREATE DATABASE \"shop-copy-drill\" TEMPLATE template0 ENCODING 'UTF8'"
        " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ALLOW_CONNECTIONS false;"
    )
    assert marked[1] == (
        'BEGIN; REVOKE ALL ON DATABASE "shop-copy-drill" FROM PUBLIC;'
        f" COMMENT ON DATABASE \"shop-copy-drill\" IS '{scratch.COPY_MARK}';"
        ' ALTER DATABASE "shop-copy-drill" ALLOW_CONNECTIONS true; COMMIT;'
    )
    assert extensions == [
        ("shop-copy-drill", 'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public CASCADE;'),
        ("shop-copy-drill", 'CREATE EXTENSION IF NOT EXISTS "postgis_topology" CASCADE;'),
    ]
    assert given[1] == 'ALTER DATABASE "shop-copy-drill" OWNER TO "shop-copy";'


def test_a_copy_alone_has_the_extensions_that_are_wanted():
    server = Server(available="pg_trgm SCHEMA public\nplpgsql")
    alone = scratch.Scratch("shop-copy", server)
    assert alone.create_alone("drill", ["plpgsql", "pg_trgm"], "17") == "shop-copy-drill"
    made, _marked, *extensions, given = server.changes
    assert made[1] == (
        "CREATE DATABASE \"shop-copy-drill\" TEMPLATE template0 ENCODING 'UTF8'"
        " LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ALLOW_CONNECTIONS false;"
    )
    assert ("shop-copy-drill", 'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public CASCADE;') in extensions
    assert given[1] == 'ALTER DATABASE "shop-copy-drill" OWNER TO "shop-copy";'


def test_an_extension_whose_files_are_missing():
    server = Server()
    with pytest.raises(
        PostgresqlError, match=r"lacks the extensions postgis\..* apt-get install postgresql-17-postgis-3"
    ):
        scratch.Scratch("shop-copy", server).create_alone("drill", ["postgis"], "17")
    assert server.changes == []


@pytest.mark.parametrize("name", ["x; curl evil", "\udcff", "", "x" * 64])
def test_an_extension_with_a_name_that_none_has(name):
    server = Server()
    with pytest.raises(scratch.LackedExtension, match="is no name of an extension"):
        scratch.Scratch("shop-copy", server).create_alone("drill", [name], "17")
    assert server.asked == []


def test_a_unit_that_loads_a_dump_finds_the_server():
    server = Server()
    scratch.Scratch("shop-copy", server, ["BindPaths=x"]).fill("drill", "/dump", ["Nice=19"])
    assert {"--property=BindPaths=x", "--property=Nice=19", "--property=Environment=LC_ALL=C"} <= {*server.command}


def test_the_role_is_made_once_and_without_rights():
    server = Server(role="")
    scratch.Scratch("shop-copy", server).create("drill", "shop")
    assert server.changes[0][1].startswith(
        'BEGIN; CREATE ROLE "shop-copy" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION'
    )
    with pytest.raises(PostgresqlError, match="has a role 'shop-copy' that Gatehouse did not make"):
        scratch.Scratch("shop-copy", Server(role="=")).create("drill", "shop")


def test_what_code_on_copies_and_apps_gave_the_role_is_taken_back():
    server = Server(memberships='shop\n"blog-2"')
    scratch.Scratch("shop-copy", server).create("drill", "shop")
    assert 'BEGIN; ALTER ROLE "shop-copy" PASSWORD NULL; ALTER ROLE "shop-copy" RESET ALL; COMMIT;' in server.asked
    assert {'REVOKE shop FROM "shop-copy";', 'REVOKE "blog-2" FROM "shop-copy";'} <= set(server.asked)
    (ended,) = [text for text in server.asked if "pg_terminate_backend" in text]
    assert "usename = 'shop-copy' AND NOT starts_with(datname, 'shop-copy-')" in ended


DENIED = 'pg_restore: error: COPY failed for table "%s": ERROR:  permission denied for table %s\n'


@pytest.mark.parametrize(("table", "said"), [("spatial_ref_sys", ""), ("orders", "permission denied for table orders")])
def test_tables_of_extensions_have_their_rows_already(table, said):
    server = Server(own="spatial_ref_sys")
    server.restore = (1, f"{DENIED % (table, table)}{IGNORED}")
    found = scratch.Scratch("shop-copy", server).fill("drill", "/x/a.pgdump")
    assert (said in found) if said else (found == "")


@pytest.mark.parametrize("answer", [{"open": "shop"}, {"like": ""}, {"found": "shop|Made by Gatehouse|t|"}])
def test_nothing_is_made_beside_a_database_that_the_role_could_harm(answer):
    server = Server(**answer)
    with pytest.raises(PostgresqlError):
        scratch.Scratch("shop-copy", server).create("drill", "shop")
    assert server.changes == []


@pytest.mark.parametrize(
    ("found", "is_dropped"),
    [
        (OURS, True),
        # Its user can change the comment.
        (f"shop-copy|{copy_role.MARK}|t|", True),
        (f"shop-copy|{copy_role.MARK}|t|of others", True),
        (f"shop-copy||t|{scratch.COPY_MARK}", False),
        (f"shop|Made by Gatehouse|t|{scratch.COPY_MARK}", False),
        # Killed while extensions were made.
        (f"postgres||t|{scratch.COPY_MARK}", True),
        ("postgres||t|", False),
        # Killed before it was marked: none could connect to it yet.
        ("postgres||f|", True),
        ("postgres||f|of others", False),
    ],
)
def test_only_a_copy_is_dropped(found, is_dropped):
    server = Server(found=found)
    if is_dropped:
        scratch.Scratch("shop-copy", server).drop("drill")
        assert server.changes == [
            ("postgres", 'ALTER DATABASE "shop-copy-drill" IS_TEMPLATE false;'),
            ("postgres", 'DROP DATABASE "shop-copy-drill" WITH (FORCE);'),
        ]
    else:
        with pytest.raises(PostgresqlError, match=r"'shop-copy-drill' .*is in the way"):
            scratch.Scratch("shop-copy", server).drop("drill")
        assert server.changes == []


def test_no_copy_is_no_failure():
    server = Server()
    scratch.Scratch("shop-copy", server).drop("drill")
    assert server.changes == []


def test_the_copies_of_all_purposes():
    server = Server(names="shop-copy-drill\nshop-copy-rehearsal")
    assert scratch.Scratch("shop-copy", server).names() == ["shop-copy-drill", "shop-copy-rehearsal"]


@pytest.mark.parametrize(
    ("code", "err", "said"),
    [
        (0, "", ""),
        (1, f"pg_restore: error: no\nDETAIL:  Key (x)=(private)\n{IGNORED}", "error: no"),
    ],
)
def test_a_dump_is_loaded_without_rights(code, err, said):
    server = Server()
    server.restore = (code, err)
    found = scratch.Scratch("shop-copy", server).fill("drill", "/x/a.pgdump", ["Nice=19"])
    assert said in found
    assert "private" not in found
    command = server.command
    assert command[command.index("bash", 6) + 1] == "/x/a.pgdump"
    assert {"--property=User=shop-copy", "--property=PrivateNetwork=yes", "--property=Nice=19"} <= set(command)
    assert {"--dbname=shop-copy-drill", "--no-owner", "--no-privileges", "--no-subscriptions"} <= set(command)


def test_a_dump_that_cannot_be_loaded():
    server = Server()
    server.restore = (1, 'FATAL:  Peer authentication failed for user "shop-copy"\n')
    with pytest.raises(PostgresqlError, match=r"Peer authentication failed.*local all shop-copy peer"):
        scratch.Scratch("shop-copy", server).fill("drill", "/x/a.pgdump")


@pytest.mark.parametrize("purpose", ["", "Drill", 'x"; DROP', "a" * 25])
def test_a_purpose_is_a_slug(purpose):
    with pytest.raises(ValueError, match="is no purpose"):
        scratch.Scratch("shop-copy", Server()).name(purpose)
    assert scratch.Scratch("shop-copy").url("drill") == "postgresql://shop-copy@/shop-copy-drill"

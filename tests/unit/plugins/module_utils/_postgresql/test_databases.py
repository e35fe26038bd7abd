"""What the server has, compared with what apps need."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.databases import (
    MARK,
    connections,
    differs,
    problems,
    refused_by_rules,
    use,
    with_kept_limit,
)

PEER = {"line": 5, "databases": ["all"], "users": ["all"], "method": "peer", "options": None}
OURS = {"comment": MARK, "connections": 30, "is_plain": True}
FOREIGN = {"comment": None, "connections": -1, "is_plain": True}
SHOP = {"name": "shop", "extensions": [], "connections": 30, "adopt": False, "remote": False}
DATABASE = {"owner": "shop", "encoding": "UTF8", "is_open": False}


def state(roles=None, databases=None, rules=(PEER,)):
    return {"roles": roles, "databases": databases or {}, "rules": list(rules)}


@pytest.mark.parametrize(
    ("roles", "databases", "adopt"),
    [
        (None, {}, False),
        ({"shop": OURS}, {"shop": DATABASE}, False),
        # A run that was killed between the two.
        ({"shop": OURS}, {}, False),
        ({"shop": FOREIGN}, {"shop": DATABASE}, True),
    ],
)
def test_what_may_be_made_or_used(roles, databases, adopt):
    assert list(problems(state(roles, databases), [SHOP | {"adopt": adopt}])) == []


@pytest.mark.parametrize(
    ("roles", "databases", "adopt", "words"),
    [
        ({"shop": FOREIGN}, {}, False, ["has a role of this name that Gatehouse did not make", "adopt: true"]),
        ({"shop": FOREIGN}, {"shop": DATABASE}, False, ["has a role and a database of this name", "use them"]),
        (
            None,
            {"shop": DATABASE | {"owner": "ann"}},
            False,
            ["has a database of this name", "belongs to the role 'ann'"],
        ),
        (None, {"shop": DATABASE | {"owner": "ann"}}, True, ["belongs to the role 'ann'", "REASSIGN OWNED"]),
        ({"shop": OURS}, {"shop": DATABASE | {"owner": "ann"}}, False, ["belongs to the role 'ann'"]),
    ],
)
def test_what_others_made_is_refused(roles, databases, adopt, words):
    (found,) = problems(state(roles, databases), [SHOP | {"adopt": adopt}])
    assert all(word in found for word in words), found


@pytest.mark.parametrize("name", ["postgres", "template1", "pg_shop", "Shop", "a b", ""])
def test_names_that_no_app_can_have(name):
    (found,) = problems(state(), [SHOP | {"name": name}])
    assert found.startswith(f"name: '{name}' cannot be")


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        ([PEER], ""),
        ([PEER | {"databases": ["sameuser"]}], ""),
        ([PEER | {"databases": ["/^sh"], "users": ["shop"]}], ""),
        ([PEER | {"line": 3, "method": "trust", "users": ["postgres"]}, PEER], ""),
        ([PEER | {"line": 3, "method": "trust"}, PEER], "line 3 applies to it: 'trust'"),
        ([PEER | {"method": "scram-sha-256"}], "before line 5"),
        ([PEER | {"options": ["map=people"]}], "line 5 applies to it"),
        ([PEER | {"databases": ["replication"]}], "no line applies to it"),
    ],
)
def test_the_app_must_be_known_by_its_user(rules, refused):
    found = refused_by_rules(rules, "shop")
    assert refused in found
    assert bool(found) == bool(refused)


@pytest.mark.parametrize(
    ("role", "database", "expected"),
    [
        (OURS, DATABASE, False),
        (OURS, None, True),
        (OURS | {"connections": 31}, DATABASE, True),
        (OURS | {"is_plain": False}, DATABASE, True),
        (FOREIGN, DATABASE, True),
        (OURS, DATABASE | {"is_open": True}, True),
    ],
)
def test_what_differs(role, database, expected):
    assert differs(state({"shop": role}, {"shop": database} if database else {}), SHOP) == expected


def test_connections_of_all_apps():
    roles = {"shop": OURS, "blog": OURS | {"connections": 12}, "ann": FOREIGN}
    assert connections(state(roles), [SHOP | {"connections": 40}]) == 52


def test_a_database_of_other_hosts_needs_no_line_for_the_socket():
    (found,) = problems(state(rules=()), [SHOP])
    assert "pg_hba.conf" in found
    assert list(problems(state(rules=()), [SHOP | {"remote": True}])) == []


@pytest.mark.parametrize(
    ("role", "remote", "kept"),
    [
        (OURS | {"connections": 90}, True, 90),
        (OURS | {"connections": 20}, True, 30),
        (OURS | {"connections": 90}, False, 30),
        (FOREIGN | {"connections": 90}, True, 30),
    ],
)
def test_hosts_of_different_sizes_do_not_lower_each_others_limit(role, remote, kept):
    assert with_kept_limit(state({"shop": role}), SHOP | {"remote": remote})["connections"] == kept


@pytest.mark.parametrize(
    ("sessions", "databases", "with_tables", "reason"),
    [
        (0, [], [], ""),
        # Made, and never used.
        (0, ["shop"], [], ""),
        (1, [], [], "1 client is connected"),
        (3, ["shop"], ["shop"], "3 clients are connected"),
        # An app without a session between its requests.
        (0, ["shop"], ["shop"], "its database 'shop' is in use"),
        (0, ["ann", "shop"], ["shop"], "Gatehouse does not know who uses its database 'ann'"),
        (0, [], ["postgres"], "its database 'postgres' is in use"),
    ],
)
def test_a_restart_could_be_noticed(sessions, databases, with_tables, reason):
    every = ["postgres", "template0", "template1", *databases]
    found = state({"shop": OURS, "ann": FOREIGN}, dict.fromkeys(every, DATABASE)) | {"sessions": sessions}
    assert use(found, with_tables.__contains__) == reason

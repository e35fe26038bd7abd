"""The role that copies of databases belong to."""

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_role
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError


@pytest.fixture
def server(monkeypatch):
    """Answers the question for the comment of the role, and remembers the statements."""
    made = SimpleNamespace(comment="", said=[])

    def ask(_run, sql):
        made.said.append(sql)
        return made.comment if sql.startswith("SELECT '='") else ""

    monkeypatch.setattr(copy_role, "ask", ask)
    return made


def test_a_new_role_can_administer_nothing(server):
    copy_role.ensure("shop-copy", None)
    assert "NOSUPERUSER NOCREATEDB NOCREATEROLE" in server.said[-1]
    assert copy_role.MARK in server.said[-1]


def test_the_role_of_an_earlier_copy_loses_what_it_was_given(server):
    server.comment = f"={copy_role.MARK}\n"
    copy_role.ensure("shop-copy", None)
    assert not [sql for sql in server.said if "CREATE ROLE" in sql]
    assert [sql for sql in server.said if "PASSWORD NULL" in sql]


@pytest.mark.parametrize("comment", ["=", "=an operator's"])
def test_a_role_of_others_is_not_touched(server, comment):
    server.comment = comment
    with pytest.raises(PostgresqlError, match="has a role 'shop-copy' that Gatehouse did not make"):
        copy_role.ensure("shop-copy", None)
    assert len(server.said) == 1

"""Whether pg_restore has loaded all of a database."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._backup.project_data import lost_in_load

END = "pg_restore: warning: errors ignored on restore: 1\n"
EXTENSION = (
    "pg_restore: while PROCESSING TOC:\npg_restore: from TOC entry 2; 3079 16390 EXTENSION hstore (no owner)\n"
    "pg_restore: error: could not execute query: ERROR:  permission denied to create extension\n"
)
INDEX = (
    "pg_restore: from TOC entry 3400; 1259 16401 INDEX entry_label_idx shop\n"
    "pg_restore: error: could not execute query: ERROR:  could not extend file\n"
)
NEWER = (
    "pg_restore: while INITIALIZING:\npg_restore: error: could not execute query: ERROR:  unrecognized configuration "
    'parameter "transaction_timeout"\n'
)
LOST = "pg_restore: error: could not execute query: server closed the connection unexpectedly\n"


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, EXTENSION + END), (1, NEWER + EXTENSION + END)])
def test_errors_without_loss(code, said):
    assert lost_in_load(code, said) == ""


@pytest.mark.parametrize(
    ("code", "said", "named"),
    [
        (-9, "", "killed"),
        (1, "pg_restore: error: connection to server was lost\n", "was lost"),
        (1, EXTENSION + INDEX + END, "INDEX entry_label_idx"),
        (1, EXTENSION + LOST + END, "server closed the connection"),
    ],
)
def test_a_loss_is_named(code, said, named):
    assert named in lost_in_load(code, said)

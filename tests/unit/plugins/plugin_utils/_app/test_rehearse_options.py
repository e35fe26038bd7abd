"""The option rehearse: what is refused before anything on a host changes, and what the module gets."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.rehearse_options import normal, of_rehearse


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (True, None),
        ({}, None),
        ({"refuse_locks_over": "5s"}, 5.0),
        ({"refuse_locks_over": "500ms"}, 0.5),
        ({"refuse_locks_over": "1.5 min"}, 90.0),
        ({"refuse_locks_over": "0s"}, 0.0),
    ],
)
def test_what_the_module_gets(given, seconds):
    assert list(of_rehearse({"rehearse": given})) == []
    expected = {"refuse_locks_over": seconds, "refuse_new_errors": False} if given else {}
    assert normal(given) == expected
    assert normal(False) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("5s", "rehearse: '5s' must be true, false, or a dictionary like {refuse_locks_over: 5s}."),
        ({"refuse_lock_over": "5s"}, "rehearse: unknown key 'refuse_lock_over': did you mean 'refuse_locks_over'?"),
        ({"refuse_locks_over": 5}, "refuse_locks_over '5' is no duration. Use one like '500ms', '5s' or '2min'."),
        ({"refuse_new_errors": "yes"}, "refuse_new_errors 'yes' must be true or false."),
        ({"refuse_locks_over": "5 hours"}, "refuse_locks_over '5 hours' is no duration"),
    ],
)
def test_a_mistake_is_refused(given, said):
    (problem,) = of_rehearse({"rehearse": given})
    assert said in problem


def test_nothing_to_rehearse_is_refused():
    (problem,) = of_rehearse({"rehearse": True, "migrate_databases": []})
    assert problem == (
        "rehearse: migrate_databases is empty, so there is nothing to rehearse. Remove one of the two options."
    )

"""The filter fleet_user_number: one numeric ID for the user of an app on all of its hosts."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.filter.fleet_user_number import fleet_user_number
from ansible_collections.gatehouse.django.plugins.module_utils._app.user_number import choose


def answer(number=0, *taken):
    return {"app": "shop", "number": number, "taken": {str(one): f"user{one}" for one in taken}}


def refused(answers):
    found = fleet_user_number(answers, "shop")
    assert found["number"] == 0
    return found["refused"]


def test_hosts_without_the_user_get_the_number_of_the_others():
    assert fleet_user_number({"web1": answer(), "web2": answer(998, 999)}, "shop") == {"number": 998, "refused": ""}


def test_a_new_app_gets_a_number_that_is_free_on_all_hosts():
    (first, second) = (choose("shop", taken) for taken in ([], [choose("shop", [])]))
    assert fleet_user_number({"web1": answer(), "web2": answer()}, "shop")["number"] == first
    assert fleet_user_number({"web1": answer(0, 999, first), "web2": answer(0, 998)}, "shop")["number"] == second


def test_hosts_that_returned_nothing_are_left_out():
    other = answer(990) | {"app": "blog"}
    known = {"web1": answer(998), "web2": {}, "web3": {"unreachable": True}, "web4": other}
    assert fleet_user_number(known, "shop")["number"] == 998


@pytest.mark.parametrize("silent", [{}, {"unreachable": True}])
def test_a_new_app_gets_no_number_while_a_host_is_silent(silent):
    """That host may have the user with another number."""
    said = refused({"web1": answer(0, 999), "web2": silent})
    assert "its user is new on web1, and web2 did not say which number" in said


def test_different_numbers_are_refused():
    said = refused({"web1": answer(998), "web2": answer(997), "web3": answer()})
    assert "different numbers on its hosts (998 on web1, 997 on web2)" in said
    assert "docs/shared-media.md" in said


def test_a_number_that_another_user_has_is_refused():
    said = refused({"web1": answer(998), "web2": answer(0, 998, 997)})
    assert "the number 998 on web1, and on web2 'user998' has it." in said
    assert f"the number {choose('shop', [])} on web1, which is free on all hosts" in said

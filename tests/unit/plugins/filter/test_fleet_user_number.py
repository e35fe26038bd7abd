"""The filter fleet_user_number: one numeric ID for the user of an app on all of its hosts."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatehouse.django.plugins.filter.fleet_user_number import fleet_user_number


def answer(number=0, *taken):
    return {"app": "shop", "number": number, "taken": list(taken)}


def test_hosts_without_the_user_get_the_number_of_the_others():
    assert fleet_user_number({"web1": answer(), "web2": answer(998, 999)}, "shop") == 998


def test_a_new_app_gets_a_number_that_is_free_on_all_hosts():
    assert fleet_user_number({"web1": answer(0, 999, 997), "web2": answer(0, 998)}, "shop") == 996


def test_hosts_that_returned_nothing_are_left_out():
    other = answer(990) | {"app": "blog"}
    assert (
        fleet_user_number({"web1": answer(998), "web2": {}, "web3": {"unreachable": True}, "web4": other}, "shop")
        == 998
    )


@pytest.mark.parametrize("silent", [{}, {"unreachable": True}])
def test_a_new_app_gets_no_number_while_a_host_is_silent(silent):
    """That host may have the user with another number."""
    with pytest.raises(AnsibleFilterError, match="its user is new on web1, and web2 did not say which number"):
        fleet_user_number({"web1": answer(0, 999), "web2": silent}, "shop")


def test_different_numbers_are_refused():
    with pytest.raises(
        AnsibleFilterError, match=r"different numbers on its hosts \(998 on web1, 997 on web2\)"
    ) as said:
        fleet_user_number({"web1": answer(998), "web2": answer(997), "web3": answer()}, "shop")
    assert "docs/shared-media.md" in str(said.value)


def test_a_number_that_another_user_has_is_refused():
    with pytest.raises(AnsibleFilterError, match="the number 998 on web1, and on web2 another user or group has it"):
        fleet_user_number({"web1": answer(998), "web2": answer(0, 998)}, "shop")

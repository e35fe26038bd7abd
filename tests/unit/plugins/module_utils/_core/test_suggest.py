"""suggest: the known name that was probably meant."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        # As near as lb1, but with the same letters.
        ("bd1", "db1"),
        ("ld1", "lb1"),
        ("web3", "web1"),
    ],
)
def test_the_nearest_name_is_suggested(name, nearest):
    assert unknown(name, ["lb1", "db1", "web1"], "host") == f"unknown host '{name}': did you mean '{nearest}'?"


def test_all_names_are_listed_if_none_is_near():
    assert unknown("other", ["lb1", "db1"], "host") == "unknown host 'other'. Known: db1, lb1."

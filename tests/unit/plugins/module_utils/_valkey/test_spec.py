"""Problems of instances that show without a look at the host."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.spec import problems

from .conftest import BROKER, CACHE


def test_valid_instances():
    assert list(problems([CACHE, BROKER, {**CACHE, "name": "x", "group": None, "state": "absent"}])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../x"}, "instances[../x]: the name must be a lower-case letter"),
        ({"name": "x\n"}, "the name must be"),
        ({"name": "x" * 41}, "the name must be"),
        ({"group": None}, "group '' must be a group of the host"),
        ({"group": "a b"}, "group 'a b' must be"),
        ({"group": "root\nUser=root"}, "must be a group"),
        ({"memory": "lots"}, "memory 'lots' must be a whole number with M or G, like 256M."),
        ({"name": "shop-cache"}, "instances: the name 'shop-cache' is used twice. Rename one."),
    ],
)
def test_each_problem_is_named(changes, said):
    assert said in "\n".join(problems([CACHE, {**BROKER, **changes}]))

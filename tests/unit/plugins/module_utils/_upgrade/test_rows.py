"""What two clusters differ in."""

from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.rows import differences, total

HAS = {
    "table": {"public.a": 2},
    "materialized view": {},
    "sequence": {"public.a_id_seq": 2},
    "large objects": {"all": 1},
}


def test_the_same():
    assert differences({"shop": HAS}, {"shop": dict(HAS)}) == []
    assert total({"shop": HAS, "other": HAS}) == (2, 4)


def test_each_difference_is_named():
    empty = {
        **HAS,
        "table": {"public.a": 0, "public.b": 1},
        "sequence": {"public.a_id_seq": None},
        "large objects": {"all": 0},
    }
    assert differences({"shop": HAS, "gone": HAS}, {"shop": empty, "new": HAS}) == [
        "database 'gone' is missing",
        "database 'new' was not there before",
        "shop: table public.a had 2 and has 0",
        "shop: table public.b had none and has 1",
        "shop: sequence public.a_id_seq had 2 and has None",
        "shop: large objects all had 1 and has 0",
    ]


def test_many_differences_are_shortened():
    before = {"shop": {**HAS, "table": {f"public.t{number:02}": 1 for number in range(15)}}}
    after = {"shop": {**HAS, "table": {}}}
    assert differences(before, after)[-1] == "and 5 more"

"""Tests for plugin_utils/_fleet/rollback.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._fleet.rollback import REASONS, problems

HOSTS = ["web1", "web2"]


def result(step="start", release="r1-a", configuration="c1", served="c9", **more):
    one = {"app": "shop", "step": step, "release": release, "configuration": configuration, **more}
    return {**one, "candidate": {"id": release}, "served": {"release": f"r9-{served}", "configuration": served}}


def both(first, second):
    return dict(zip(HOSTS, (first, second), strict=True))


@pytest.mark.parametrize("step", REASONS)
def test_hosts_that_agree_go_on(step):
    done = "start" if step == "look" else step
    assert problems(both(result(done), result(done, "r1-b")), "shop", step, HOSTS) == []


def test_a_host_that_fails_ends_it():
    failed = {"failed": True, "msg": "shop: release: no earlier release.\nmore"}
    first, second = problems(both(result(), failed), "shop", "look", HOSTS)
    assert (first, second) == (f"shop: {REASONS['look']}", "web2: shop: release: no earlier release.")
    assert (
        problems(both(result(), result()), "shop", "switch", HOSTS)[1] == "web1: the step 'switch' did not run there."
    )


def test_hosts_with_different_targets_are_named():
    _first, second = problems(both(result(), result(release="r0-a")), "shop", "look", HOSTS)
    assert "different releases: web1 to r1-a, web2 to r0-a." in second


def test_hosts_with_different_configurations_of_one_source_are_named():
    _first, second = problems(both(result(), result(release="r1-z", configuration="c2")), "shop", "look", HOSTS)
    assert "different releases: web1 to r1-a, web2 to r1-z." in second
    # Each host has always had a configuration of its own.
    own = result(release="r1-z", configuration="c2", served="c8")
    assert problems(both(result(), own), "shop", "look", HOSTS) == []


def test_a_host_that_is_left_out_is_named():
    outside = [{"item": "web3", "apps": [{"name": "shop", "release": "r2-a", "configuration": "c1"}]}]
    _first, second = problems(both(result(), result()), "shop", "look", HOSTS, outside)
    assert second.startswith("web3 (r2-a) would go on with another release")


def test_a_host_that_is_left_out_and_serves_the_release_keeps_no_host_from_it():
    outside = [{"item": "web3", "apps": [{"name": "shop", "release": "r1-a", "configuration": "c1"}]}]
    # No host has switched before the first one does.
    for step, required in (("look", HOSTS), ("switch", []), ("switch", HOSTS[:1])):
        done = "start" if step == "look" else step
        assert problems(both(result(done), result(done)), "shop", step, required, outside) == []

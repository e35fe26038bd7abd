"""A bad release is never served: the old one is not even touched, and the play says where it failed and why."""

import pytest
from helpers.bad_releases import BAD
from helpers.hosts import release_of
from helpers.http import Visitor
from helpers.load import load
from helpers.long import LONG
from helpers.steady import deploy, failed, footprint, main_pid, releases, site_of, start_deploy

NAME = site_of("steady")
# After it the gate deploys the mended app; the long form does so after each.
LAST = list(BAD)[-1]


@pytest.mark.parametrize("case", [case for case, bad in BAD.items() if bad.gate or LONG])
def test_a_bad_release_is_never_served(host, address, variant, case):
    bad = BAD[case]
    before = state(host)
    with load(address, NAME) as seen:
        played = start_deploy(host, variant(bad.files), **bad.options).finish()
    assert played.code != 0
    assert seen.failures == []
    assert seen.releases == [before["release"]]
    assert state(host) == before
    (candidate, *older) = failed(host)
    assert len(older) < 2
    said = played.refusal
    for word in (f"phase '{bad.phase}'", candidate, *bad.words):
        assert word in said, said
    # Workers and repeated requests fail with the same traceback.
    assert said.count("Traceback (most recent call last)") <= 1, said
    if bad.started:
        assert f"steady-web@{candidate}.service" in said, said
        assert "Starting gunicorn" in said or "Booting worker" in said or "Traceback" in said, said
    if case == LAST or LONG:
        mended = deploy(host, variant())
        assert Visitor(address, NAME).get("/").json()["release"] == mended != before["release"]


def state(host):
    """What a refused release must not change."""
    served = {"release": release_of(host, "steady"), "pid": main_pid(host)}
    return {**served, "releases": releases(host), **footprint(host)}

"""A web host with another release than the balancer expects serves no visitor, unless no host has the right one."""

import re

import pytest
from helpers.hosts import release_of
from helpers.module import call
from visits import MANY, get, nodes, nodes_after_a_death

EXPECTED = "/var/lib/gatehouse/expected"


@pytest.fixture
def expect(host):
    """The balancer expects a release."""
    link = f"{EXPECTED}/guestbook"
    before = host.check_output("readlink %s", link)

    def point(target):
        host.check_output(
            "mkdir -p %s/%s && ln -s %s %s.new && mv -T %s.new %s", EXPECTED, target, target, link, link, link
        )

    yield lambda release: point(f"guestbook.d/{release}")
    point(before)


@pytest.fixture
def old_release(web_hosts):
    """A web host that has come back with an old release."""
    name, host = "gatehouse-fleet-web2", web_hosts["gatehouse-fleet-web2"]
    old, releases = "000000000000-00000000", "/srv/guestbook/releases"
    release = release_of(host, "guestbook")
    switch = "ln -s releases/%s /srv/guestbook/next && mv -T /srv/guestbook/next /srv/guestbook/current"
    host.check_output("mkdir %s/%s && ln %s/%s/web.sock %s/%s/", releases, old, releases, release, releases, old)
    host.check_output(switch, old)
    yield name
    host.check_output(switch, release)
    host.check_output("rm -r %s/%s", releases, old)


def test_the_balancer_expects_the_release_of_each_python(host, web_hosts):
    # The hosts have different versions of Debian.
    releases = sorted({release_of(one, "guestbook") for one in web_hosts.values()})
    assert len(releases) == len(web_hosts)
    assert host.check_output(f"readlink {EXPECTED}/guestbook") == f"guestbook.d/{'+'.join(releases)}"


def test_all_releases_are_accepted_during_a_deployment(address, expect, old_release, web_hosts):
    expect("any")
    assert nodes_after_a_death(address, web_hosts) == set(web_hosts)


def test_an_old_release_serves_no_visitor(host, address, old_release, web_hosts):
    assert nodes(address) == {"gatehouse-fleet-web1"}
    (found,) = call(host, "django_doctor", settings_only=False)["findings"]
    assert re.search(r"serves another release than \S+ or \S+, which this balancer expects", found["cause"])
    assert "1 of 2 hosts serve it" in found["cause"]
    # Django answers 403 without a token of the form.
    assert {get(address, "/", "POST").status for _number in range(MANY)} == {403}


def test_an_old_release_is_better_than_none(address, expect, web_hosts):
    expect("111111111111-11111111")
    assert nodes_after_a_death(address, web_hosts) == set(web_hosts)
    assert {get(address, "/", "POST").status for _number in range(MANY)} == {403}

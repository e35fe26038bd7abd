"""Changed means applied, also where an earlier run was killed, and where the kernel refuses the private namespace."""

from contextlib import contextmanager

import pytest


def workers(host):
    return set(host.check_output("pgrep --full '[n]ginx: worker'").splitlines())


def test_a_run_killed_between_switch_and_reload_is_healed_by_the_next(host, publish, site, extra):
    publish(site)
    # As the killed run leaves it: the link names a generation that nginx has not read.
    home = "/etc/nginx/gatehouse"
    host.check_output(f"cp -a {home}/live/ {home}/generations/900")
    host.check_output(f"sed -i s/extra/healed/ {home}/generations/900/sites/extra.conf")
    host.check_output(f"ln -sfn generations/900 {home}/live")
    before = workers(host)
    same = site | {"snippet": 'location = /word { default_type text/plain; return 200 "extra"; }'}
    healed = publish(same)
    assert healed["reloaded"]
    assert not before & workers(host)
    assert extra.get("/word").text == "extra"
    assert publish(same)["changed"] is False


@contextmanager
def no_namespace(host):
    """A host whose kernel refuses new mount namespaces, as an unprivileged container does."""
    refusal = '#!/bin/sh\necho "unshare: unshare failed: Operation not permitted" >&2\nexit 1\n'
    host.check_output("printf '%%s' %s > /usr/local/bin/unshare && chmod 755 /usr/local/bin/unshare", refusal)
    try:
        yield
    finally:
        host.check_output("rm /usr/local/bin/unshare")


def test_without_a_namespace_the_change_is_tested_in_place_and_says_so(host, publish, site, extra):
    with no_namespace(host):
        published = publish(site)
    assert published["validated"] == "in_place"
    assert "unshare failed: Operation not permitted" in published["printed"]
    assert extra.get("/word").text == "extra"


def test_without_a_namespace_a_broken_change_is_taken_back(host, publish, site, guestbook):
    before = host.check_output("readlink /etc/nginx/gatehouse/live")
    with no_namespace(host):
        refused = publish(site | {"snippet": "no_such_directive on;"})
    assert "The live configuration is as it was" in refused["msg"]
    assert host.check_output("readlink /etc/nginx/gatehouse/live") == before
    assert host.run("nginx -t").rc == 0
    assert guestbook.get("/").status == 200


@pytest.mark.parametrize("manage", ["auto", "always"])
def test_the_distributions_nginx_conf_comes_back_byte_for_byte(host, publish, guestbook, manage):
    given_back = publish(nginx_conf={"manage": "never"})
    try:
        assert given_back["owns_nginx_conf"] is False
        assert "/etc/nginx/nginx.conf" not in host.run("dpkg --verify nginx-common").stdout
        assert guestbook.get("/").status == 200
    finally:
        taken = publish(nginx_conf={"manage": manage})
    assert taken["owns_nginx_conf"] is True
    assert guestbook.get("/").status == 200

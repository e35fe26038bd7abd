"""How an app on other hosts reaches an instance."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import access, texts

from .conftest import CACHE, REMOTE

ENGINE = valkey.VALKEY


def of(**changes):
    one = {**CACHE, "remote": {**REMOTE, **changes}}
    return access.of_instances(ENGINE, [one])["shop-cache"]


@pytest.fixture
def made(machine, monkeypatch):
    """A host with the instance as web1 and web2 asked for it."""
    monkeypatch.setattr(access, "_used_ports", lambda: [access.FIRST_PORT])
    (machine.root / "server.crt").write_text("certificate")
    for host, address in (("web1", "192.0.2.1"), ("web2", "2001:db8::2")):
        one = {**CACHE, "remote": {**REMOTE, "host": host, "address": address}}
        found = access.of_instances(ENGINE, [one])["shop-cache"]
        machine.write(valkey.configuration("shop-cache"), texts.configuration(one, ENGINE, found))
        machine.write(ENGINE.drop_in("shop-cache"), texts.drop_in(one, ENGINE, found))
    return machine


def test_the_files_are_those_of_the_next_run(made):
    found = of(known=["new"], proposed=["newer"])
    assert (found.port, found.chosen, found.sets_password) == (access.FIRST_PORT + 1, 0, False)
    assert sorted(found.clients_before) == ["web1", "web2"]
    one = {**CACHE, "remote": REMOTE}
    with open(valkey.configuration("shop-cache")) as file:
        assert texts.configuration(one, ENGINE, found) == file.read()
    with open(ENGINE.drop_in("shop-cache")) as file:
        assert texts.drop_in(one, ENGINE, found) == file.read()


def test_the_files_let_only_the_hosts_and_the_user_in_and_have_no_password(made):
    with open(ENGINE.drop_in("shop-cache")) as file:
        unit = file.read()
    assert (
        "IPAddressDeny=any\n# The host web1:\nIPAddressAllow=192.0.2.1/32\n# The host web2:\nIPAddressAllow=2001:"
        in unit
    )
    with open(valkey.configuration("shop-cache")) as file:
        text = file.read()
    assert "port 0\ntls-port" in text
    assert "user default reset on nopass -@all +info\n" in text
    assert f"user shop on #{access.digest('new')} ~* &* +@all -@admin" in text
    assert "new" not in text.replace("renew", "")


def test_a_host_that_left_loses_its_access_and_a_changed_address_replaces_the_old_one(made):
    found = of(address="192.0.2.7", hosts=["web1"])
    assert [(one.host, one.address) for one in found.clients] == [("web1", "192.0.2.7/32")]


def test_the_access_of_a_host_ends_without_another_digest(made):
    path = ENGINE.drop_in("shop-cache")
    with open(path) as file:
        before = file.read()
    assert access.revoked("shop", "cache", "web3") == access.revoked("shop", "broker", "web1") == {}
    after = access.revoked("shop", "cache", "web1")[path]
    assert after == before.replace("# The host web1:\nIPAddressAllow=192.0.2.1/32\n", "")
    # As the next run of the other host renders it, which then changes nothing.
    made.write(path, after)
    one = {**CACHE, "remote": {**REMOTE, "host": "web2", "address": "2001:db8::2", "hosts": ["web2"], "known": ["new"]}}
    assert texts.drop_in(one, ENGINE, access.of_instances(ENGINE, [one])["shop-cache"]) == after


def test_the_password_that_the_user_has_wins_and_a_lost_one_is_replaced(made):
    assert of(known=["old", "new"], proposed=["newer"]).chosen == 1
    lost = of(proposed=["newer"])
    assert (lost.chosen, lost.sets_password) == (0, True)
    one = {**CACHE, "remote": {**REMOTE, "seen": lost.before[:16]}}
    access.check([one], {"shop-cache": lost})
    with pytest.raises(access.AccessError, match="another run set its password meanwhile"):
        access.check([{**one, "remote": REMOTE}], {"shop-cache": lost})


def test_no_instance_without_a_certificate(machine):
    with pytest.raises(access.AccessError, match=r"the host has no .*server\.crt"):
        access.check([{**CACHE, "remote": REMOTE}], {"shop-cache": of()})


def test_another_certificate_makes_another_digest_and_so_a_restart(made):
    one = {**CACHE, "remote": REMOTE}
    before = texts.drop_in(one, ENGINE, of(known=["new"]))
    (made.root / "server.crt").write_text("renewed")
    assert texts.drop_in(one, ENGINE, of(known=["new"])) != before


def test_two_new_instances_have_two_ports(machine):
    both = [{**CACHE, "remote": REMOTE}, {**CACHE, "name": "shop-broker", "remote": REMOTE}]
    found = access.of_instances(ENGINE, both)
    assert len({one.port for one in found.values()}) == 2
    assert access.of_instances(ENGINE, [CACHE]) == {}

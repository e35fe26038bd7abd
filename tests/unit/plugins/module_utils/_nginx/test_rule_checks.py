"""Wrong rules are refused with the option, the value and the remedy, and without any password."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.rule_checks import network_of
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_keys, check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC

ROOT = {"path": "/", "proxy_pass": "http://a"}
ADMIN = ROOT | {"path": "/admin/"}
FILES = {"path": "/static/", "alias": "/srv/static/"}
SLOW_HASH = f"$6$rounds=656000$abcdefgh${'a' * 86}"


def check(*locations, **options):
    site = {"name": "shop", "server_name": ["a.example"], "locations": [*locations] or [ROOT]} | options
    given = {"sites": [site]}
    check_keys(given)
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert result.error_messages == []
    check_sites(result.validated_parameters["sites"])


def refusal(*locations, **options):
    with pytest.raises(ValueError) as raised:
        check(*locations, **options)
    return str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": "10/s"}, "site 'shop': rate '10/s' is not a rate such as '10r/s'"),
        ({"rate": "10r/h"}, "rate '10r/h' is not a rate"),
        ({"rate": "0r/s"}, "rate '0r/s' is not a rate"),
        ({"burst": 5}, "site 'shop': burst '5' has no effect without 'rate': add a rate"),
        ({"burst": 5, "rate": "off"}, "burst '5' has no effect without 'rate'"),
        ({"burst": -1, "rate": "1r/s"}, "burst '-1' is not a number from 0 to 100000"),
        ({"connections": 65536}, "connections '65536' is not a number from 0 to 65535"),
        ({"connections": -1}, "connections '-1' is not a number from 0"),
        ({"allow": ["10.0.0.0/33"]}, "allow '10.0.0.0/33' is not an address or a network"),
        ({"allow": ["10.0.0.0/255.0.0.0"]}, "is not an address or a network"),
        ({"allow": ["office"]}, "allow 'office' is not an address or a network"),
        ({"deny": ["fe80::1%eth0"]}, "deny 'fe80::1%eth0' is not an address"),
        ({"deny": ["10.1.2.3/8"]}, "deny '10.1.2.3/8' is an address inside of a network: write '10.0.0.0/8'"),
        ({"proxy_read_timeout": "5 minutes"}, "proxy_read_timeout '5 minutes' is not a time"),
        ({"page_cache": "500ms"}, "page_cache '500ms' is in milliseconds, but nginx keeps pages for whole seconds"),
        ({"page_cache": "0s"}, "page_cache '0s' keeps no page: write 'off'"),
        ({"page_cache": "ten"}, "page_cache 'ten' is not a time"),
        ({"page_cache": "9s", "buffering": False}, "page_cache '9s' has no effect with 'buffering: false'"),
        ({"page_cache": "9s", "websocket": True}, "page_cache '9s' has no effect with 'websocket: true'"),
        ({"basic_auth": {"ann": "x", "x31337": None}}, "basic_auth: entry 2 has no password"),
        ({"basic_auth": {"team:x31337": None}}, "basic_auth: entry 1 has a ':' in the name of its user: write a space"),
        ({"basic_auth": {"team:x31337": "x"}}, "basic_auth: entry 1 has a ':' in the name of its user: write a space"),
        ({"basic_auth": {31337: "x"}}, "basic_auth: entry 1 has no user name"),
        ({"rate": {"a": "x31337"}}, "rate has a dictionary as value: write text"),
        ({"proxy_read_timeout": ["x31337"]}, "proxy_read_timeout has a list as value: write text"),
        ({"allow": ["10.0.0.1", {"a": "x31337"}]}, "allow has a dictionary as value: write text"),
        ({"deny": ["::ffff:10.0.0.0/104"]}, "deny '::ffff:10.0.0.0/104' never matches"),
        ({"allow": ["::ffff:192.0.2.1"]}, "allow '::ffff:192.0.2.1' never matches"),
        ({"basic_auth": {"ann": ""}}, "the password of user 'ann' is empty"),
        ({"basic_auth": {"ann": 31337}}, "the password of user 'ann' is not a string: quote it"),
        ({"basic_auth": {"#a": "x"}}, "basic_auth: entry 1 has no user name"),
        ({"basic_auth": {"ann": SLOW_HASH}}, "is a hash with too many rounds"),
        ({"basic_auth": {"ann": "$2y$12$" + "a" * 53}}, "is a hash with too many rounds"),
        ({"basic_auth": {"ann": "$y$j9T$abc$def"}}, "is a hash of an unsupported kind"),
        ({"basic_auth": {"ann": "{PLAIN}x31337"}}, "is a hash of an unsupported kind"),
        ({"basic_auth": {"ann": "x31337\nbob:x"}}, "contains a control character"),
        ({"raet": "1r/s"}, "unknown option 'raet': did you mean 'rate'?"),
    ],
)
def test_refuses_for_a_site_and_for_a_path(options, message):
    for told in (refusal(**options), refusal(ROOT, ADMIN | options)):
        assert message.removeprefix("site 'shop': ") in told
        assert "31337" not in told
        assert SLOW_HASH not in told
    place = "locations[/admin/]" if told.startswith("nginx_config: ") else "location '/admin/'"
    assert place in refusal(ROOT, ADMIN | options)


@pytest.mark.parametrize("option", ["rate", "connections", "buffering", "websocket", "proxy_read_timeout"])
def test_files_have_no_rules_of_an_application(option):
    value = {"rate": "1r/s", "connections": 1, "proxy_read_timeout": "1s"}.get(option, False)
    assert f"'{option}' has no effect on files" in refusal(ROOT, FILES | {option: value})


def test_what_only_the_application_reaches_has_no_access_rules():
    message = refusal(ROOT, FILES | {"internal": True, "deny": ["all"]})
    assert "location '/static/': 'deny' has no effect with 'internal'" in message


@pytest.mark.parametrize("path", ["/.well-known/acme-challenge/", "/.well-known/acme-challenge"])
def test_the_challenges_of_an_authority_have_their_own_path(path):
    assert "is reserved with 'tls: acme'" in refusal(ROOT, ROOT | {"path": path}, tls="acme")
    check(ROOT, ROOT | {"path": path})


def test_two_locations_for_the_same_paths():
    message = refusal(ADMIN, ADMIN | {"path": "/admin"})
    assert "the locations '/admin/' and '/admin' cover the same paths: merge them" in message


@pytest.mark.parametrize(
    "options",
    [
        {"rate": "10r/s", "burst": 0, "connections": 0},
        {"rate": False},
        {"allow": ["192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "::1", "all"], "deny": ["all"]},
        {"basic_auth": {"ann": "any word: $x {y}", "bob smith": "$6$abc$" + "a" * 86, "é": "é"}},
        {"basic_auth": {}, "allow": []},
    ],
)
def test_accepts(options):
    check(**options)
    check(ROOT, ADMIN | options)


def test_a_burst_may_belong_to_an_inherited_rate():
    check(ROOT | {"rate": "1r/s"}, ADMIN | {"burst": 3})


@pytest.mark.parametrize(
    ("given", "network"),
    [("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1"), ("2001:DB8:0::/32", "2001:db8::/32"), ("all", "all")],
)
def test_networks(given, network):
    assert network_of(given) == network


@pytest.mark.parametrize("option", ["rate", "page_cache"])
@pytest.mark.parametrize("end", ["off", "0", 0, False])
def test_ends_of_a_rule(option, end):
    value = {"rate": "1r/s", "page_cache": "9s"}[option]
    check(ROOT, ADMIN | {option: end}, **{option: value})

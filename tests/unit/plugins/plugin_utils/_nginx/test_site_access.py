"""Who may ask for a site, and the files of passwords."""

import re

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import site_access


def made(**options):
    users = {"ann": "x", "bob": "$apr1$abcdefgh$" + "a" * 22}
    locations = [{"path": "/", "proxy_pass": "http://a", "basic_auth": users}]
    site = {"name": "shop", "server_name": ["a.example"], "locations": locations} | options
    (site,) = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]}).validated_parameters["sites"]
    return site


def test_password_files():
    site = made(basic_auth={"eve": "x"})
    first, second = list(site_access.password_files(site).values())
    assert re.fullmatch(r"eve:\$6\$rounds=1000\$.{16}\$.{86}\n", first)
    assert re.fullmatch(r"ann:\$6\$.+\nbob:\$apr1\$abcdefgh\$a{22}\n", second)
    assert site_access.password_files(site) == site_access.password_files(site)


def test_what_is_allowed_is_all_that_is_allowed():
    found = site_access.site_access(made(allow=["192.0.2.0/24"], deny=["all"]))
    assert found == site_access.Access([["allow", "192.0.2.0/24"], ["deny", "all"]])

"""Services on other hosts of the inventory."""

import pytest
from ansible.errors import AnsibleError
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_services import (
    database_url,
    services,
    valkey_urls,
)

DATABASE = {"engine": "postgresql", "host": "db1"}
SHOP = [{"name": "shop", "database": DATABASE}]


class Broken(dict):
    def get(self, name, default=None):
        if name == "django_apps":
            raise AnsibleError("undefined")
        return super().get(name, default)


def variables(here="web1", **hosts):
    hosts = {"web1": {"django_apps": SHOP}, "db1": {}} | hosts
    return {"inventory_hostname": here, "hostvars": hosts, "groups": {"all": list(hosts)}}


def service(database="on another host", **hosts):
    database = DATABASE if database == "on another host" else database
    return services({"app": "shop", "database": database}, variables(**hosts))["database"]


@pytest.mark.parametrize("given", ["", "postgresql", {"engine": "postgresql"}, None])
def test_a_database_on_the_apps_own_host_is_none_of_them(given):
    assert services({"app": "shop", "database": given}, {}) == {}


def test_the_service_of_an_app():
    assert service() == {
        **{"host": "db1", "address": "db1", "own_address": ""},
        **{"authority": "/etc/gatehouse/authorities/db1.pem", "hosts": ["db1", "web1"], "others": []},
    }


@pytest.mark.parametrize(
    ("of_host", "address"),
    [
        ({"ansible_host": "192.0.2.20"}, "192.0.2.20"),
        ({"ansible_host": "192.0.2.20", "gatehouse_address": "10.0.0.20"}, "10.0.0.20"),
    ],
)
def test_the_address_of_the_server(of_host, address):
    assert service(db1=of_host)["address"] == address


def test_which_hosts_may_connect_and_which_share_the_connections():
    other = [{"name": "shop", "database": "postgresql"}]
    gone = [{**SHOP[0], "state": "absent"}]
    found = service(web2={"django_apps": SHOP}, web3={"django_apps": other}, web4=Broken(), web5={"django_apps": gone})
    # Of db1 and web4 it is not known which apps they have.
    assert found["hosts"] == ["db1", "web1", "web2", "web4"]
    # The playbook `site` has found the app on a host that leaves it, and balancers still ask that host.
    leaves, left = ({"django_apps": [], "__here": {"installed": apps}} for apps in (["shop"], ["blog"]))
    assert service(web2=leaves, web3=left)["hosts"] == ["db1", "web1", "web2"]
    # A host that -l leaves out is asked by the balancers as before.
    limited = variables(web2={"django_apps": []}, web3=left) | {"ansible_play_hosts_all": ["web1", "web3"]}
    kept = services({"app": "shop", "database": DATABASE}, limited)["database"]
    assert (kept["hosts"], kept["others"]) == (["db1", "web1", "web2"], [])
    assert found["others"] == ["web2"]


@pytest.mark.parametrize(
    ("host", "more", "said"),
    [
        ("db2", {}, "database: unknown host 'db2': did you mean 'db1'?"),
        ("db.example.com", {}, "host must be a host of the inventory"),
        ("../db", {"../db": {}}, "cannot be the name of a file"),
        (
            "db1",
            {"web1": {"gatehouse_address": "web1.internal"}},
            "gatehouse_address: 'web1.internal' of 'web1' must be",
        ),
    ],
)
def test_what_is_refused(host, more, said):
    with pytest.raises(ValueError, match=r"Refused, nothing was changed\. App 'shop'") as raised:
        service({"engine": "postgresql", "host": host}, **more)
    assert said in str(raised.value)


def test_the_url_verifies_the_server():
    url = database_url("shop", "postgresql", service(db1={"gatehouse_address": "2001:db8::20"}), "a/b")
    assert url.startswith(
        "postgresql://shop:a%2Fb@[2001:db8::20]/shop?sslmode=verify-full&sslrootcert=/etc/gatehouse/auth"
    )
    assert "connect_timeout=5" in url


def test_the_urls_of_a_cache_and_a_broker():
    options = {"app": "shop", "cache": {"host": "db1"}, "broker": {"host": "db1"}}
    found = services(options, variables())
    given = {"cache": {"password": "a", "port": 16379}, "broker": {"password": "b", "port": 16380}}
    urls = valkey_urls("shop", found, given)
    file = "ssl_ca_certs=/etc/gatehouse/authorities/db1.pem"
    assert urls["CACHE_URL"].startswith(
        f"rediss://shop:a@db1:16379/0?ssl_cert_reqs=required&{file}&ssl_check_hostname=True"
    )
    assert urls["BROKER_URL"] == f"rediss://shop:b@db1:16380/0?ssl_cert_reqs=CERT_REQUIRED&{file}"
    assert urls["REDIS_URL"].startswith(f"rediss://shop:b@db1:16380/0?ssl_cert_reqs=required&{file}")
    assert valkey_urls("shop", found, {}) == {}
    only = valkey_urls("shop", {"cache": found["cache"]}, given)
    assert only["REDIS_URL"] == only["CACHE_URL"]

"""The options `cache` and `broker`: their problems, the instances, and the variables that libraries read."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.plan import plan, private
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.valkey_options import (
    environment,
    instances,
    of_valkey,
    remote_instances,
    units,
)

from .test_plan import ACCESS, PARAMS

CACHE, BROKER = "/run/valkey-shop-cache/valkey.sock", "/run/valkey-shop-broker/valkey.sock"
SMALL = {"engine": "valkey", "memory": "64M"}


def found(**options):
    return "\n".join(of_valkey({"name": "shop", **options}))


@pytest.mark.parametrize("given", [None, "", {}, False, "valkey", SMALL, {"engine": "valkey"}])
def test_valid_options_have_no_problems(given):
    assert found(cache=given, broker=given) == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("redis", "broker: 'redis' is not known. Write 'valkey', or {engine: valkey, memory: 256M}."),
        (True, "broker: 'True' is not known."),
        (["valkey"], "is not known"),
        ({"memory": "64M"}, "broker: engine '' is not known. Write 'engine: valkey'."),
        ({"engine": "memcached"}, "engine 'memcached' is not known"),
        ({**SMALL, "memmory": "1G"}, "broker: unknown key 'memmory': did you mean 'memory'?"),
        ({**SMALL, "host": ""}, "broker: host '' must be the name of a host of the inventory."),
        ({**SMALL, "host": ["db1"]}, "broker: host '['db1']' must be the name of a host"),
        ({**SMALL, "memory": "50%"}, "broker: memory '50%' must be a whole number with M or G, like 256M."),
        ({**SMALL, "memory": "1M"}, "broker: memory '1M' is too little: use 16M or more."),
        ({**SMALL, "memory": "64M\n"}, "must be a whole number"),
    ],
)
def test_each_problem_is_named(given, said):
    assert said in found(broker=given)


@pytest.mark.parametrize("option", ["environment", "secrets"])
def test_an_address_of_another_server_is_refused_and_not_quoted(option):
    said = found(broker="valkey", **{option: {"BROKER_URL": "redis://:s3cret@mq.example.com/0"}})
    assert f"broker: {option} sets BROKER_URL to another address than that of the app's own broker ({BROKER})" in said
    assert "s3cret" not in said
    assert found(broker="valkey", **{option: {"BROKER_URL": f"unix://{BROKER}?db=1"}}) == ""
    assert found(**{option: {"BROKER_URL": "redis://mq.example.com/0"}}) == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"cache": "valkey"}, {"CACHE_URL": f"redis://{CACHE}", "REDIS_URL": f"unix://{CACHE}?db=0"}),
        ({"broker": SMALL}, {"BROKER_URL": f"redis+socket://{BROKER}", "REDIS_URL": f"unix://{BROKER}?db=0"}),
        (
            {"cache": "valkey", "broker": "valkey"},
            {
                "CACHE_URL": f"redis://{CACHE}",
                "BROKER_URL": f"redis+socket://{BROKER}",
                "REDIS_URL": f"unix://{BROKER}?db=0",
            },
        ),
    ],
)
def test_the_variables_of_the_app(options, expected):
    assert environment({"app": "shop", **options}) == expected


def test_the_instances_as_the_role_takes_them():
    assert instances({"app": "shop", "cache": SMALL, "broker": "valkey"}) == [
        {"name": "shop-cache", "kind": "cache", "group": "shop", "memory": "64M"},
        {"name": "shop-broker", "kind": "broker", "group": "shop", "memory": "256M"},
    ]


def test_the_inventory_overrides_a_variable_and_a_build_gets_it_too():
    given = {**PARAMS, "broker": "valkey", "environment": {"REDIS_URL": f"unix://{BROKER}?db=3"}}
    sent = json.loads(private(given, ACCESS))
    assert sent["environment"]["REDIS_URL"] == f"unix://{BROKER}?db=3"
    assert sent["environment"]["BROKER_URL"] == sent["build_variables"]["BROKER_URL"] == f"redis+socket://{BROKER}"


def test_a_limit_makes_no_new_release():
    def digest(**more):
        return plan({**PARAMS, **more})["digest"]

    assert digest(cache="valkey") == digest(cache=SMALL)
    assert len({digest(), digest(cache="valkey"), digest(broker="valkey")}) == 3


def test_processes_start_after_the_instance_of_either_program():
    names = units({"app": "shop", "broker": "valkey"})
    assert names == ["valkey-server@shop-broker.service", "redis-server@shop-broker.service"]
    written = plan({**PARAMS, "broker": "valkey"})["units"]
    web = written["/etc/systemd/system/shop-web@.service"]
    assert any(line.startswith("After=") and set(names) < set(line.split()) for line in web.splitlines())
    job = written["/etc/systemd/system/shop-clean.service"]
    assert " ".join(names) in job


REMOTE = {"engine": "valkey", "host": "db1", "memory": "64M"}


@pytest.mark.parametrize("option", ["environment", "secrets"])
def test_the_url_of_an_instance_on_another_host_is_generated(option):
    said = found(broker=REMOTE, **{option: {"BROKER_URL": "rediss://shop:s3cret@db1:16379/0"}})
    assert f"broker: {option} sets BROKER_URL, but broker makes it, with a generated password." in said
    assert "s3cret" not in said


def test_instances_on_other_hosts_are_not_among_those_of_the_apps_own():
    options = {"app": "shop", "cache": "valkey", "broker": REMOTE}
    assert [one["name"] for one in instances(options)] == ["shop-cache"]
    wanted = {"name": "shop-broker", "kind": "broker", "memory": "64M", "group": "root"}
    assert remote_instances(options) == {"broker": wanted}
    # REDIS_URL leads to the broker, and is made where its password is known.
    assert environment(options) == {"CACHE_URL": f"redis://{CACHE}"}
    assert not any("broker" in unit for unit in units(options))

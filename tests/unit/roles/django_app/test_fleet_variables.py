"""What the role works out from the hosts of an app: roles/django_app/vars/main.yml."""

from pathlib import Path

import pytest
import yaml
from ansible_collections.gatehouse.django.plugins.filter.fleet_expected import fleet_expected
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[4]
VARIABLES = yaml.safe_load((ROOT / "roles/django_app/vars/main.yml").read_text())


def value(name, **variables):
    environment = NativeEnvironment(undefined=ChainableUndefined)
    environment.filters["dict2items"] = lambda of: [{"key": key, "value": each} for key, each in of.items()]
    environment.filters["gatehouse.django.fleet_expected"] = fleet_expected
    return environment.from_string(VARIABLES[name].strip()).render(variables)


def test_all_hosts_choose_the_same_one_for_the_backup():
    hosts = [f"web{number}" for number in range(20)]
    dumps = dict.fromkeys(hosts, 17) | {"web0": 15, "web3": 0}
    found = value(
        "__django_app_dumping", __django_app_deployed=hosts, __django_app_dumps=dumps, __django_app_major="17"
    )
    assert found == hosts[1:]


@pytest.mark.parametrize(
    ("switching", "staying", "expected"),
    [
        (["aaaa-1", "aaaa-1"], "aaaa-2", True),
        (["aaaa-1", "bbbb-1"], "aaaa-2", False),
        (["aaaa-1", "aaaa-1"], "bbbb-1", False),
    ],
    ids=["a configuration that depends on the host", "hosts that differ", "hosts that missed a deployment"],
)
def test_balancers_accept_any_release_if_its_source_stays(switching, staying, expected):
    results = {str(number): {"candidate": {"served": one}, "id": "new"} for number, one in enumerate(switching)}
    results["last"] = {"id": staying}
    befores = value("__django_app_befores", __django_app_results=results)
    assert befores == switching
    variables = {"__django_app_results": results, "__django_app_befores": befores, "django_app_name": "shop"}
    assert value("__django_app_has_one_source", **variables) is expected

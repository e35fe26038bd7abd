"""Each filter is documented, and one that only the collection uses says so and is used."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[4]
FILTERS = sorted(path.stem for path in (ROOT / "plugins/filter").glob("*.py"))
# For playbooks of users: role django_site takes sites of one host, and programs may print what the playbooks print.
PUBLIC = {"doctor_lines", "log_lines", "mount_prefix", "sites_of_host", "status_table"}
CALLED = re.compile(r"gatehouse\.django\.(\w+)")


def calls():
    """The names of the collection's plugins in its roles and playbooks."""
    files = [path for place in ("roles", "playbooks") for path in (ROOT / place).rglob("*.yml")]
    return {name for path in files for name in CALLED.findall(path.read_text())}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_says_for_whom_it_is(name):
    documentation = yaml.safe_load((ROOT / f"plugins/filter/{name}.yml").read_text())["DOCUMENTATION"]
    fragments = documentation.get("extends_documentation_fragment", [])
    assert (fragments == ["gatehouse.django.own_filter"]) != (name in PUBLIC)


def test_the_collection_uses_each_filter():
    assert set(FILTERS) - calls() == set()


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_imports_the_collection_when_it_is_called(name):
    """Each worker process that uses one filter of a collection compiles the files of all its filters."""
    tree = ast.parse((ROOT / f"plugins/filter/{name}.py").read_text())
    modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert not [module for module in modules if module.startswith("ansible_collections")]

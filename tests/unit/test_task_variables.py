"""Names of the variables of tasks: an extra variable (`-e release=...`) replaces one of the same name. Their types.

Ansible's documentation, "Understanding variable precedence": extra variables always win.
"""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PATHS = [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("roles/*/handlers/*.yml")]
ROLES = [path.name for path in (ROOT / "roles").iterdir()]


def names(node):
    """The variables that the tasks below *node* set, register or loop with."""
    if isinstance(node, list):
        yield from (name for each in node for name in names(each))
    elif isinstance(node, dict):
        yield from node.get("vars") or {}
        yield from (node[key] for key in ("register", "loop_var", "index_var") if isinstance(node.get(key), str))
        yield from node.get("ansible.builtin.set_fact") or {}
        yield from (name for each in node.values() for name in names(each))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_task_names_its_variables_so_that_no_extra_variable_replaces_them(path):
    # Options of a role, which its caller sets, have the role's name in front.
    options = tuple(f"{role}_" for role in ROLES)
    found = set(names(yaml.safe_load(path.read_text())))
    assert [
        name for name in found if not name.startswith(("__", *options)) and name not in ("django_app", "cacheable")
    ] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_size_of_a_batch_is_a_number(path):
    """ansible-core 2.18 passes the number of an option as text, with which jinja's `batch` makes one batch of all."""
    sizes = re.findall(r"\bbatch\(([^)]*)\)", path.read_text())
    assert [size for size in sizes if not size.endswith("| int")] == []

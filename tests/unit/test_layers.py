"""The layers of the collection: each imports only from itself and from those below it (docs/ARCHITECTURE.md)."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.gatehouse.django.plugins."
# What a package may import from, besides itself.
HOST = {
    "_core": set(),
    "_nginx": {"_core"},
    "_app": {"_core"},
    "_postgresql": {"_core"},
    "_valkey": {"_core"},
    "_backup": {"_core", "_app", "_postgresql"},
    "_rehearsal": {"_core", "_app", "_postgresql", "_backup"},
    "_acme": {"_core", "_nginx"},
    "_upgrade": {"_core", "_app", "_postgresql", "_backup"},
    "_doctor": {"_core", "_nginx", "_app", "_postgresql"},
    "_takeover": {"_core", "_nginx", "_app", "_acme", "_postgresql", "_doctor"},
}
CONTROLLER = {
    **{"_args": set(), "_killed": set(), "_fleet": {"_args"}},
    **{"_nginx": {"_args", "_fleet"}, "_app": {"_args", "_fleet"}},
}


def imports(path):
    """The names inside the collection's plugins that the file imports from: ``module_utils._core.lock``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PLUGINS):
            place = node.module.removeprefix(PLUGINS)
            # `from module_utils import _core` and `from module_utils._core import lock` name the package alike.
            yield from ([f"{place}.{alias.name}" for alias in node.names] if place.count(".") == 0 else [place])


def packages(kind):
    return {path.name.removesuffix(".py") for path in (ROOT / "plugins" / kind).iterdir() if path.name[0] == "_"} - {
        "__pycache__"
    }


def strays(directory, allowed):
    found = []
    for path in sorted((ROOT / "plugins" / directory).rglob("*.py")):
        names = sorted({".".join(name.split(".")[:2]) for name in imports(path)} - allowed)
        found += [f"{path.relative_to(ROOT)}: {name}" for name in names]
    return found


def test_every_package_has_its_place():
    assert packages("module_utils") == set(HOST)
    assert packages("plugin_utils") == set(CONTROLLER)


@pytest.mark.parametrize("kind", ["module_utils", "plugin_utils"])
def test_every_package_says_what_it_is(kind):
    """What is private to the collection, and what it does."""
    for path in sorted((ROOT / "plugins" / kind).glob("_*/__init__.py")):
        assert (ast.get_docstring(ast.parse(path.read_text())) or "").strip(), path


@pytest.mark.parametrize("package", HOST)
def test_what_runs_on_the_host(package):
    allowed = {f"module_utils.{name}" for name in HOST[package] | {package}}
    assert strays(f"module_utils/{package}", allowed) == []


@pytest.mark.parametrize("package", ["_nginx", "_app"])
def test_what_runs_on_the_controller(package):
    below = {f"plugin_utils.{name}" for name in CONTROLLER[package] | {package}}
    allowed = below | {f"module_utils.{name}" for name in ("_core", package)}
    assert strays(f"plugin_utils/{package}", allowed) == []


@pytest.mark.parametrize(
    "package",
    [*(f"module_utils/{name}" for name in HOST), *(f"plugin_utils/_{name}" for name in ("fleet", "nginx", "app"))],
)
def test_the_documentation_names_every_module(package):
    name = package.removeprefix("module_utils/")
    section = (ROOT / "docs/packages.md").read_text().partition(f"\n## `{name}`\n")[2].partition("\n#")[0]
    named = {word.rstrip("/") for word in re.findall(r"`([\w/]+)`", section)}
    entries = (ROOT / "plugins" / package).iterdir()
    assert {path.name.removesuffix(".py") for path in entries} - {"__init__", "__pycache__"} == named

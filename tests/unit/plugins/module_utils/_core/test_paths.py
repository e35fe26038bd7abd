"""The places that belong to the collection on a host are spelled out in one file."""

import ast
from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import paths

PLUGINS = Path(__file__).parents[5] / "plugins"
OWN = (
    *(paths.APPS, paths.UNIT_DIRECTORY, paths.TOOLS_DIRECTORY, paths.RENEWAL_DIRECTORY, paths.ACME_DIRECTORY),
    *(f"{paths.RUN_DIRECTORY}/gatehouse", paths.NGINX_DIRECTORY, paths.NGINX_LOGS, paths.CERTBOT_DIRECTORY),
)
FILES = sorted(
    path
    for directory in ("module_utils", "plugin_utils", "action", "filter")
    for path in (PLUGINS / directory).rglob("*.py")
    if path.name != "paths.py"
)


def literals(tree):
    """The strings of a file that are neither documentation nor part of a sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_no_other_file_spells_them_out(path):
    found = [text for text in literals(ast.parse(path.read_text())) if text.lstrip("(^").startswith(OWN)]
    assert found == [], "Use a name of _core/paths.py"

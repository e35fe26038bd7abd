"""The roles' READMEs say what their argument specs say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("role", sorted(path.name for path in ROOT.glob("roles/*")))
def test_every_role_has_an_argument_spec_and_a_readme(role):
    assert (ROOT / "roles" / role / "meta/argument_specs.yml").is_file()
    assert (ROOT / "roles" / role / "README.md").is_file()


def test_variable_tables_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "tools/role_docs", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr

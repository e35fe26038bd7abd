"""The roles' READMEs say what their argument specs say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("role", sorted(path.name for path in ROOT.glob("roles/*")))
def test_every_role_has_an_argument_spec_and_a_readme(role):
    assert (ROOT / "roles" / role / "meta/argument_specs.yml").is_file()
    assert (ROOT / "roles" / role / "README.md").is_file()


def descriptions(options):
    """Yield each line of the descriptions of *options*, also of nested ones."""
    for option in options.values():
        yield from option["description"]
        yield from descriptions(option.get("options", {}))


@pytest.mark.parametrize("role", sorted(path.name for path in ROOT.glob("roles/*")))
def test_descriptions_of_options_are_strings(role):
    """In YAML, a colon and a blank make a line a dictionary, which ansible-doc refuses."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    lines = [line for spec in specs.values() for line in descriptions(spec["options"])]
    assert [line for line in lines if not isinstance(line, str)] == []


def test_variable_tables_are_current():
    checked = subprocess.run(
        [sys.executable, ROOT / "tools/role_docs", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


def test_the_projects_from_pypi_are_those_of_the_scenario():
    readme = (ROOT / "roles/django_app/README.md").read_text()
    section = readme.partition("## Projects from PyPI")[2].partition("\n## ")[0].replace("example.com", "example.test")
    shown = [app for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL) for app in yaml.safe_load(block)]
    deployed = yaml.safe_load((ROOT / "molecule/projects/inventory/group_vars/all.yml").read_text())["django_apps"]
    for app in [*shown, *deployed]:
        app["secrets"] = sorted(app["secrets"])
    assert len(shown) == 3
    assert shown == deployed


def blocks(path):
    """Yield each entry of `django_apps` and `django_sites` that a page shows in a block of YAML."""
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / path).read_text(), re.DOTALL):
        shown = yaml.safe_load(block)
        yield from (("django_app", "name", entry) for entry in shown.get("django_apps", []))
        yield from (("django_site", "sites", entry) for entry in shown.get("django_sites", []))


def test_recipes_use_options_that_exist():
    shown = list(blocks("docs/recipes.md"))
    assert len([role for role, _option, _entry in shown if role == "django_app"]) >= 4
    for role, option, entry in shown:
        spec = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
        if option == "sites":
            known = set(spec["options"]["django_site_sites"]["options"])
        else:
            known = {name.removeprefix(f"{role}_") for name in spec["options"]}
        assert set(entry) <= known


def test_inventories_in_the_readme_name_the_interpreter():
    """Otherwise each run begins with a warning about the interpreter that Ansible has discovered."""
    shown = re.findall(r"```yaml\n(all:\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    hosts = [host for block in shown for host in yaml.safe_load(block)["all"]["hosts"].values()]
    assert [host["ansible_python_interpreter"] for host in hosts] == ["/usr/bin/python3"] * 2


def test_each_limit_names_a_test():
    rows = [line for line in (ROOT / "docs/limits.md").read_text().splitlines() if line.startswith("| ")]
    tests = [row.rstrip(" |").rpartition("| ")[2].strip("`") for row in rows if not row.startswith("| Limit |")]
    assert len(tests) > 15
    assert [test for test in tests if not (ROOT / "tests/testinfra" / test).is_file()] == []


def test_each_cause_of_the_doctor_names_a_test_that_makes_it():
    table = (ROOT / "docs/doctor.md").read_text().partition("## Causes")[2].partition("\n## ")[0]
    rows = [line.rstrip(" |").rpartition("| ")[2] for line in table.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`([^`]+)`", row) for row in rows]
    assert len(named) > 30
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    for file, _colons, name in (test.partition("::") for tests in named for test in tests):
        assert f"def {name}" in (ROOT / "tests/testinfra" / file).read_text(), f"{file}::{name}"


def test_the_healthy_hosts_of_the_doctor_are_those_of_the_scenarios():
    table = (ROOT / "docs/doctor.md").read_text().partition("## Healthy hosts")[2]
    named = re.findall(r"^[|] `(\w+)` [|]", table, re.MULTILINE)
    files = [path for path in ROOT.glob("molecule/*/molecule.yml") if "../healthy" in path.read_text()]
    assert sorted(named) == sorted(path.parent.name for path in files)
    assert len(named) > 5

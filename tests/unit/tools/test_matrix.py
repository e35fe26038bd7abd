"""What the collection promises to support is what the gate tests."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "requirements"


def core_of(lock):
    """The newest ansible-core of a lock, as (2, 18)."""
    found = re.findall(r"^ansible-core==(\d+)\.(\d+)\.", (REQUIREMENTS / lock).read_text(), re.MULTILINE)
    return max((int(major), int(minor)) for major, minor in found)


def minor(version):
    return tuple(int(part) for part in version.split(".")[:2])


def test_the_oldest_promised_ansible_core_is_tested():
    promised = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert promised == ">=" + ".".join(map(str, core_of("oldest.txt"))) + ".0"


def test_each_ansible_core_up_to_the_newest_is_tested(gate, monkeypatch):
    """The long form has a part of its own for each one between the oldest and the newest."""
    oldest, newest = core_of("oldest.txt"), core_of("dev.txt")
    between = [f"core-{oldest[0]}.{version}" for version in range(oldest[1] + 1, newest[1])]
    assert sorted(path.stem for path in REQUIREMENTS.glob("core-*.in")) == between
    monkeypatch.setattr(gate, "LONG", True)
    names = {part.name for part in gate.all_parts()}
    for version in ["oldest", *between]:
        assert {f"unit-{version}", f"sanity-{version}"} <= names


def test_pythons_of_the_controller_are_tested(gate):
    """The gate has a part for a Python that not every machine has."""
    pythons = re.search(r"for version in ([\d. ]+);", (ROOT / "tools/pythons").read_text())[1].split()
    assert "unit-python" + max(pythons, key=minor) in {part.name for part in gate.all_parts()}
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"Python {min(pythons, key=minor)} to {max(pythons, key=minor)}" in readme


@pytest.mark.parametrize("role", sorted(path.name for path in ROOT.glob("roles/*")))
def test_role_metadata_promises_what_the_lab_boots(role):
    info = yaml.safe_load((ROOT / "roles" / role / "meta/main.yml").read_text())["galaxy_info"]
    promised = [(platform["name"], suite) for platform in info["platforms"] for suite in platform["versions"]]
    suites = re.search(r"^suites=\(([a-z ]+)\)", (ROOT / "lab/image").read_text(), re.MULTILINE)[1].split()
    assert sorted(promised) == sorted(("Debian", suite) for suite in suites if suite != "forky")
    assert minor(info["min_ansible_version"]) == core_of("oldest.txt")

"""A release: antsibull-changelog turns every fragment into CHANGELOG.md."""

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RELEASED = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text())["releases"]
CURRENT = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
# The commit of a release has no other version yet.
VERSION = CURRENT if CURRENT not in RELEASED else "99.0.0"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A copy of the tree after the command that CONTRIBUTING.md names."""
    folder = tmp_path_factory.mktemp("release")
    copy = subprocess.run([ROOT / "tools/tree", folder], capture_output=True, text=True, check=True).stdout.strip()
    galaxy = Path(copy, "galaxy.yml")
    galaxy.write_text(galaxy.read_text().replace(f"\nversion: {CURRENT}\n", f"\nversion: {VERSION}\n"))
    command = ["antsibull-changelog", "release", "--date", "2026-01-01"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(copy)


def test_changelog_lists_the_release(released):
    assert f'<a id="v{VERSION.replace(".", "-")}"></a>' in (released / "CHANGELOG.md").read_text()


def test_changelog_lists_every_new_module_and_role(released):
    text = (released / "CHANGELOG.md").read_text().replace("\\", "")
    modules = [path.stem for path in ROOT.glob("plugins/modules/*.py") if path.stem != "__init__"]
    roles = [path.name for path in ROOT.glob("roles/*")]
    assert [name for name in [*modules, *roles] if f"* gatehouse.django.{name} - " not in text] == []


def test_release_moves_every_fragment_into_the_changelog(released):
    changes = yaml.safe_load((released / "changelogs/changelog.yaml").read_text())["releases"][VERSION]
    assert sorted(changes.get("fragments", [])) == sorted(path.name for path in ROOT.glob("changelogs/fragments/*.yml"))
    assert list(released.glob("changelogs/fragments/*.yml")) == []


def test_linters_accept_what_the_release_writes(released):
    done = subprocess.run(
        ["yamllint", "--strict", "changelogs"], cwd=released, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")

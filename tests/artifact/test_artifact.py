"""The artifact: it builds, installs into an empty directory, documents itself and holds no tooling."""

import json
import os
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
NAME = f"{GALAXY['namespace']}.{GALAXY['name']}"
ALLOWED = {"CHANGELOG.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"} | {
    "CODE_OF_CONDUCT.md",
    "LICENSES",
    "REUSE.toml",
    "SECURITY.md",
    "changelogs",
    "docs",
    "examples",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def run(*command, collections="/nonexistent"):
    """Run *command* as a user would who has those collections only."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    return folder / f"{GALAXY['namespace']}-{GALAXY['name']}-{GALAXY['version']}.tar.gz"


@pytest.fixture(scope="module")
def installed(artifact, tmp_path_factory):
    folder = tmp_path_factory.mktemp("collections")
    run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", str(folder), str(artifact))
    return folder


@pytest.fixture(scope="module")
def doc(installed):
    """doc(kind): what ansible-doc says of all of that kind, by name."""

    @cache
    def doc(kind):
        listed = [f"{NAME}.{name}" for name in NAMES[kind]]
        return json.loads(run("ansible-doc", "--json", "--type", kind, *listed, collections=installed))

    return doc


NAMES = {
    "role": sorted(path.name for path in ROOT.glob("roles/*")),
    "module": sorted(path.stem for path in ROOT.glob("plugins/modules/*.py") if path.stem != "__init__"),
    "filter": sorted(path.stem for path in ROOT.glob("plugins/filter/*.yml")),
}


def test_holds_the_collection_and_nothing_else(artifact):
    with tarfile.open(artifact) as tar:
        tops = {name.split("/")[0] for name in tar.getnames()}
    assert sorted(tops - ALLOWED) == []
    assert {"LICENSE", "README.md", "meta", "playbooks", "plugins", "roles"} <= tops


def test_holds_no_litter(artifact):
    with tarfile.open(artifact) as tar:
        litter = [name for name in tar.getnames() if name.endswith((".pyc", ".sqlite3", ".swp", ".orig", "~"))]
        litter += [name for name in tar.getnames() if "__pycache__" in name or "/.env" in name]
    assert litter == []


def test_holds_what_git_holds(artifact):
    """A file that is on the author's disk only must not reach the users."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    with tarfile.open(artifact) as tar:
        files = {member.name for member in tar.getmembers() if member.isfile() or member.issym()}
    assert sorted(files - set(listed) - {"MANIFEST.json", "FILES.json"}) == []


@pytest.mark.parametrize("role", NAMES["role"])
def test_role_is_documented(doc, role):
    assert doc("role")[f"{NAME}.{role}"]["entry_points"]["main"]["short_description"]


@pytest.mark.parametrize("module", NAMES["module"])
def test_module_is_documented(doc, module):
    documented = doc("module")[f"{NAME}.{module}"]
    assert documented["doc"]["short_description"]
    assert documented["examples"]
    assert documented["return"]


@pytest.mark.parametrize("plugin", NAMES["filter"])
def test_filter_is_documented(doc, plugin):
    assert doc("filter")[f"{NAME}.{plugin}"]["doc"]["short_description"]


@pytest.mark.parametrize("playbook", sorted(path.stem for path in ROOT.glob("playbooks/*.yml")))
def test_playbook_is_found_by_its_full_name(installed, playbook):
    run("ansible-playbook", "--syntax-check", "-i", "localhost,", f"{NAME}.{playbook}", collections=installed)

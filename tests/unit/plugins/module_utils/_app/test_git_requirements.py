"""Private git repositories that a list of dependencies names."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies, git_requirements
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

LIB, TOOL = "https://git.test/team/lib.git", "ssh://git@git.test/team/tool.git"
COMMIT = "0123456789012345678901234567890123456789"
PROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = []\n'
POETRY = '[[package]]\nname = "{}"\n[package.source]\ntype = "git"\nurl = "{}"\n'
VCS = '{{vcs = {{type = "git", url = "{}"}}}}'
LISTS = {
    "requirements.txt": {
        "requirements.txt": f"-r more.txt\nlib[x] @ git+{LIB}@v1#egg=lib\n",
        "more.txt": f"git+{TOOL}\n",
    },
    "uv.lock": {
        "pyproject.toml": f'{PROJECT}[tool.uv.sources]\nlib = {{git = "{LIB}", tag = "v1"}}\n',
        "uv.lock": f'[[package]]\nname = "tool"\nsource = {{git = "{TOOL}?rev=main#{COMMIT}"}}\n',
    },
    "poetry.lock": {
        "pyproject.toml": "[tool.poetry]\npackage-mode = false\n",
        "poetry.lock": POETRY.format("lib", LIB) + POETRY.format("tool", "git@git.test:team/tool.git"),
    },
    "pdm.lock": {
        "pyproject.toml": PROJECT,
        "pdm.lock": f'[[package]]\nname = "a"\ngit = "{LIB}"\n[[package]]\ngit = "{TOOL}"',
    },
    "Pipfile.lock": {
        "Pipfile": "",
        "Pipfile.lock": json.dumps({"default": {"a": {"git": LIB, "ref": COMMIT}, "b": {"git": TOOL}}}),
    },
    "pylock.toml": {"pylock.toml": f"packages = [{VCS.format(LIB)}, {VCS.format(TOOL)}]"},
    "pyproject.toml": {"pyproject.toml": PROJECT.replace("[]", f'["lib @ git+{LIB}@v1", "tool @ git+{TOOL}"]')},
}


def access(*urls, **more):
    """Credentials for *urls*, after the source itself, which has none."""
    found = [{"url": url, "authorization": "user:token", "deploy_key": ""} for url in urls]
    return {"credentials": [{"url": "", "authorization": "", "deploy_key": ""}, *found], "known_hosts": "", **more}


@pytest.fixture
def found(tmp_path):
    """found(files): the list of dependencies of a project with these files."""

    def found(files):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        return dependencies.find(str(tmp_path), str(tmp_path))

    return found


@pytest.mark.parametrize("kind", LISTS)
def test_each_kind_of_list(found, kind):
    urls = git_requirements.private_urls(found(LISTS[kind]), [], access("https://git.test/", "git@git.test:team/tool"))
    assert sorted(urls) == [LIB, TOOL]


@pytest.mark.parametrize(
    ("credential", "is_used"),
    [
        ("https://git.test/team/lib.git", True),
        ("https://git.test/team/lib", True),
        ("https://git.test/team/", True),
        ("https://git.test/tea/", False),
        ("https://git.test/team/li", False),
        ("https://git.test:8443/", False),
        ("https://other.test/", False),
        ("ssh://git@git.test/", False),
    ],
)
def test_only_repositories_with_a_credential_are_copied(found, credential, is_used):
    listed = found({"requirements.txt": "django\n"})
    assert git_requirements.private_urls(listed, [f"lib @ git+{LIB}"], access(credential)) == [LIB] * is_used


def test_a_public_repository_with_a_longer_name_is_copied_too(found):
    wanted = [f"git+{LIB}", f"git+{LIB.replace('lib.git', 'lib')}", "git+https://git.test/team/lib-more"]
    urls = git_requirements.private_urls(found({}), wanted, access("https://git.test/team/lib"))
    assert urls == [LIB, "https://git.test/team/lib", "https://git.test/team/lib-more"]


def test_without_credentials_nothing_is_copied(found, builder, tmp_path):
    assert git_requirements.private_urls(found(LISTS["pdm.lock"]), [], access()) == []
    with git_requirements.copied(builder, [], access(), str(tmp_path), (0, 0)) as variables:
        assert variables == {}
    assert builder.calls == []


@pytest.fixture
def repository(tmp_path):
    """The URL of a repository whose branch v1 has one commit."""
    work = tmp_path / "work"
    identity = ["-c", "user.name=lab", "-c", "user.email=lab@example.test"]
    commit = [*identity, "commit", "--quiet", "--allow-empty", "-m", "one"]
    for command in (["init", "--quiet", "--initial-branch=v1"], commit):
        work.mkdir(exist_ok=True)
        subprocess.run(["git", *command], cwd=work, check=True)
    return f"file://{work}/.git"


def test_git_uses_the_copy_and_no_credential(builder, tmp_path, repository):
    release = tmp_path / "release"
    release.mkdir()
    given = access(repository)
    with git_requirements.copied(builder, [repository], given, str(release), (0, 0)) as variables:
        (tmp_path / "work").rename(tmp_path / "elsewhere")
        done = subprocess.run(
            ["git", "ls-remote", repository], env=os.environ | variables, capture_output=True, text=True, check=True
        )
        assert "refs/heads/v1" in done.stdout
        assert not any("token" in (release / name).read_text() for name in ("git.config", "git/0/config"))
        # Other code of the build must not be able to change what root or git reads.
        assert (release / "git.config").stat().st_mode & 0o022 == 0
    assert list(release.iterdir()) == []


def test_a_repository_that_cannot_be_copied(builder, tmp_path):
    missing = f"file://{tmp_path}/missing"
    with (
        pytest.raises(ReleaseError, match=r"(?s)name git repositories \(file://.*missing\) that the host cannot copy"),
        git_requirements.copied(builder, [missing], access(missing), str(tmp_path), (0, 0)),
    ):
        pass
    assert not (tmp_path / "git").exists()

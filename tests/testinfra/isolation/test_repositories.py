"""Hostile git repositories."""

import pytest
from helpers.hosts import release_of
from plays import deploy

GIT = "git -c user.name=evil -c user.email=evil@example.test"
# Each makes a commit of what an attacker hopes that git, or root after it, trips over.
REPOSITORIES = {
    "a submodule that is a command": (
        """
        git config --file .gitmodules submodule.x.path x
        git config --file .gitmodules submodule.x.url 'ext::sh -c touch% /srv/evil/cache/ran'
        git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x
        git add .gitmodules
        """,
        "transport 'ext' not allowed",
    ),
    "a submodule that is a directory of the host": (
        """
        git config --file .gitmodules submodule.x.path x
        git config --file .gitmodules submodule.x.url file:///opt/other.git
        git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x
        git add .gitmodules
        """,
        "transport 'file' not allowed",
    ),
    "a tree of 200 levels": (
        """
        directory=$(python3 -c 'print("/".join(["d"] * 200))')
        mkdir -p $directory && touch $directory/leaf && git add d
        """,
        "more than 100 directories deep",
    ),
    "a list of dependencies that is a link": (
        "rm requirements.txt && ln -s /etc/shadow requirements.txt && git add requirements.txt",
        "installing the dependencies of requirements.txt failed",
    ),
}


@pytest.fixture
def repository(host):
    """Makes the repository on the host: a project of the scenario with one more commit."""

    def make(commands):
        script = f"""set -eu
        rm -rf /opt/evil && cp -r $(readlink -f /srv/victim/current/project) /opt/evil && cd /opt/evil
        git init --quiet --initial-branch main && git add --all && {GIT} commit --quiet --message first
        {commands}
        {GIT} commit --quiet --message second
        chmod -R a+rX /opt/evil
        """
        host.check_output("sh -c %s", script)
        return {"git": "file:///opt/evil", "version": "main"}

    yield make
    host.check_output("rm -rf /opt/evil")


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_hostile_repository_is_refused_and_runs_nothing(host, repository, name):
    commands, words = REPOSITORIES[name]
    before = release_of(host, "evil")
    played = deploy(host, "evil", **{"source": repository(commands)})
    assert played.code != 0
    assert words in played.refusal
    assert release_of(host, "evil") == before
    assert not host.file("/srv/evil/cache/ran").exists

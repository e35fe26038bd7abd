"""Deployments of the scenario's apps with another source."""

from pathlib import Path

import pytest
from helpers.play import REPOSITORY, Play

DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"


@pytest.fixture
def deploy(host):
    """deploy(app, options...): how the play ended."""

    def deploy(app, **changes):
        return Play(DEPLOY, host, lab_app=app, lab_changes=changes).finish()

    return deploy


@pytest.fixture(scope="session")
def made():
    """The directory on the controller that molecule/sources/make has filled."""
    return REPOSITORY / ".artifacts/sources"


@pytest.fixture(scope="session")
def keys(made):
    """The private deploy keys, by repository."""
    return {name: (made / f"key_{name}").read_text() for name in ("guestbook", "theme")}


@pytest.fixture
def is_nowhere(host):
    """is_nowhere(secret): whether neither a file of the host nor its journal has it."""

    def is_nowhere(secret):
        assert len(secret) >= 8
        files = host.run("grep -rlF -e %s /srv /etc /run /root /opt /tmp /var", secret).stdout
        return (files, host.run("journalctl --quiet --grep %s", secret).stdout) == ("", "")

    return is_nowhere

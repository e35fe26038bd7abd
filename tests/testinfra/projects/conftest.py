"""The three projects' sites, their administrators, and clients of theirs that run on the host."""

import pytest
from helpers.hosts import make_superuser
from helpers.http import Visitor

PASSWORD = "correct horse battery staple"
APPS = ["bugsink", "ara", "netbox"]


@pytest.fixture(scope="module", autouse=True)
def up(host):
    """After a boot NetBox loads for as long as a minute where other hosts boot, too: longer than a visitor waits."""
    for app in APPS:
        ask = f"curl --silent --output /dev/null --max-time 180 --unix-socket /srv/{app}/current/web.sock http://{app}/"
        assert host.run(ask).rc == 0


@pytest.fixture(scope="module")
def site(address):
    """A visitor of an app's site."""
    return lambda app: Visitor(address, f"{app}.example.test")


@pytest.fixture(scope="module")
def password(host):
    """The password of `visitor`, superuser of each app."""
    for app in APPS:
        make_superuser(host, app, PASSWORD)
    return PASSWORD


@pytest.fixture
def client(host, address):
    """Runs Python with what the app's release has installed, as a visitor who knows the site by its name only."""
    for app in APPS:
        line = f"{address} {app}.example.test"
        host.check_output("grep -qxF %s /etc/hosts || echo %s >> /etc/hosts", line, line)

    def run(app, code, *arguments):
        words = [f"/srv/{app}/current/venv/bin/python", "-c", code, *arguments]
        return host.check_output(" ".join(["%s"] * len(words)), *words)

    return run

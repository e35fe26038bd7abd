"""Two neighbours on one host: what an attacker's app tries, and how the other one fares."""

import pytest


@pytest.fixture
def as_app(host):
    """Run a shell command as an app's user, outside of its sandbox: the most that an attacker can hope for."""

    def run(app, command):
        return host.run("setpriv --reuid=%s --regid=%s --clear-groups sh -c %s", app, app, command)

    return run

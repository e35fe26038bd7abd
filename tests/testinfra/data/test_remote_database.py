"""The database of an app on the other host: who reaches it, and that its password is nowhere else."""

import json
import re
import subprocess

import pytest
import testinfra
from helpers.http import Visitor
from helpers.play import inventory
from plays import start_deploy

APP = "away"
CONNECT = "from django.db import connection as c; c.ensure_connection(); print(c.vendor, c.settings_dict['HOST'])"
PLACES = "/etc /run /srv /tmp /var/backups /var/lib /var/log /var/tmp"
OTHER_ADDRESS = "10.88.240.99"  # of the app's host, too


@pytest.fixture
def server(host):
    """The database's host."""
    command = ["ansible-inventory", f"--inventory={inventory(host)}", f"--host={host.backend.name}"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return testinfra.get_host(f"podman://{found['lab_services_host']}")


@pytest.fixture
def away(address):
    return Visitor(address, "away.example.test")


def of_url(host, pattern):
    """A part of the URL in the environment of the release."""
    text = host.file("/srv/away/current/env").content_string
    return re.search(f"^DATABASE_URL=.*{pattern}", text, re.MULTILINE)[1]


def password(host):
    return of_url(host, "away:([^@]*)@")


def connect(host):
    """What the app says when it connects, in its sandbox and with its environment."""
    done = host.run("/srv/away/manage shell -v 0 -c %s", CONNECT)
    return (done.stdout + done.stderr).strip()


def test_only_the_app_reaches_its_database_and_its_password_is_nowhere(host, server, away, undo):
    assert away.get("/").json()["database"] == "postgresql"
    vendor, address = connect(host).splitlines()[-1].split()
    assert vendor == "postgresql"
    assert address in server.check_output("hostname --all-ip-addresses").split()

    # From another address, with the right password.
    undo(f"ip route del {address}/32; ip address del {OTHER_ADDRESS}/16 dev eth0")
    host.check_output("ip address add %s/16 dev eth0", OTHER_ADDRESS)
    host.check_output("ip route add %s/32 dev eth0 src %s", address, OTHER_ADDRESS)
    assert f'no pg_hba.conf entry for host "{OTHER_ADDRESS}", user "away", database "away"' in connect(host)
    host.check_output("ip route del %s/32", address)

    # A server that another authority has signed for.
    file = of_url(host, "sslrootcert=([^&]*)")
    undo(f"mv {file}.kept {file}")
    host.check_output(
        "cp -a %s %s.kept && openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=other -out %s 2>&1",
        file,
        file,
        file,
    )
    assert "certificate verify failed" in connect(host)
    host.check_output("cp -a %s.kept %s", file, file)

    # Another run changes nothing, and finds the password where it is.
    secret = password(host)
    assert len(secret) >= 43
    played = start_deploy(host, app=APP).finish()
    assert played.code == 0, played.output
    assert "changed=0" in played.output
    assert secret not in played.output
    for one in (host, server):
        # The pattern does not match itself in the command line of grep.
        assert one.run("grep -la -e %s /proc/[0-9]*/cmdline", f"[{secret[0]}]{secret[1:]}").stdout == ""
        assert one.run("journalctl --boot | grep -F -e %s", secret).stdout == ""
    found = f"find {PLACES} -xdev -type f -size -20M -exec grep -lF -e %s {{}} +"
    owners = host.run(f"{found} | xargs stat -c '%%a %%U:%%G %%n'", secret).stdout
    assert re.fullmatch(r"(640 root:away /srv/away/releases/[^/]+/env\n)+", owners), owners
    assert server.run(found, secret).stdout == ""

"""The app `away`, whose services are on the other host, and the ways to disturb it."""

import json
import re
import subprocess
from contextlib import contextmanager

import testinfra
from helpers.play import inventory

APP = "away"
OTHER_ADDRESS = "10.88.240.99"  # of the app's host, too


def server_of(host):
    """The host of its services."""
    command = ["ansible-inventory", f"--inventory={inventory(host)}", f"--host={host.backend.name}"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return testinfra.get_host(f"podman://{found['lab_services_host']}")


def of_url(host, variable, pattern):
    """A part of a URL in the environment of the release."""
    text = host.file(f"/srv/{APP}/current/env").content_string
    return re.search(f"^{variable}=.*{pattern}", text, re.MULTILINE)[1]


def shell(host, code):
    """What code says in the app's sandbox and with its environment."""
    done = host.run("timeout 60 /srv/away/manage shell -v 0 -c %s", code)
    return (done.stdout + done.stderr).strip()


@contextmanager
def from_another_address(host, server):
    """Connections of the host come from another address of it."""
    host.check_output("ip address add %s/16 dev eth0", OTHER_ADDRESS)
    try:
        host.check_output("ip route add %s/32 dev eth0 src %s", server, OTHER_ADDRESS)
        yield
    finally:
        # The route goes with its address.
        host.check_output("ip address del %s/16 dev eth0", OTHER_ADDRESS)


@contextmanager
def another_authority(host, file):
    """The app's host believes another authority."""
    make = "openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=other -out %s 2>&1"
    host.check_output(f"cp -a %s %s.kept && {make}", file, file, file)
    try:
        yield
    finally:
        host.check_output("mv %s.kept %s", file, file)


@contextmanager
def cut_off(host, server):
    """No packet of the host reaches the server: all go to a network card that does not exist."""
    host.check_output("ip neigh replace %s lladdr 02:00:00:00:00:01 dev eth0 nud permanent", server)
    try:
        yield
    finally:
        host.check_output("ip neigh del %s dev eth0", server)


EXPIRE = """
cd /etc/gatehouse/services/server
cp -a server.crt /root/kept.crt
names=$(openssl x509 -in server.crt -noout -ext subjectAltName | sed -n 's/IP Address/IP/g; 2s/ *//gp')
echo "subjectAltName=$names" > /root/names
openssl x509 -x509toreq -in server.crt -signkey server.key -out /root/request
openssl x509 -req -in /root/request -CA ../authority.crt -CAkey ../authority.key -days -1 -extfile /root/names \
    -out server.crt
systemctl reload postgresql
"""


@contextmanager
def expired_certificate(server):
    """PostgreSQL has a certificate of its authority that has expired."""
    server.check_output("bash -ec %s", EXPIRE)
    try:
        yield
    finally:
        server.check_output("mv /root/kept.crt /etc/gatehouse/services/server/server.crt; systemctl reload postgresql")

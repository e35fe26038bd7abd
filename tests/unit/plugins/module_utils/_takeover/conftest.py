"""A simulated host with a site that was made by hand."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import handmade
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import read_host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import old

SITE = """
server {
    listen 443 ssl; server_name hand.test;
    ssl_certificate /etc/letsencrypt/live/hand.test/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/hand.test/privkey.pem;
    location / { proxy_pass http://unix:/run/gunicorn.sock; }
}
server { listen 80; server_name hand.test; return 301 https://$host$request_uri; }
"""
WEB = Service(
    "gunicorn.service",
    sockets=("gunicorn.socket",),
    path="/etc/systemd/system/gunicorn.service",
    user="deploy",
    directory="/home/deploy/project",
    argv=("/home/deploy/project/venv/bin/gunicorn", "hand.wsgi:application"),
    pid=7,
    is_active=True,
)


@pytest.fixture
def services(monkeypatch):
    """The services of the host by name; a test adds more."""
    known = {WEB.unit: WEB}
    monkeypatch.setattr(
        handmade, "service_at", lambda run, address, sockets=None: known.get(f"{address[10:-5]}.service")
    )
    monkeypatch.setattr(old, "describe", lambda run, units: {name: known[name] for name in units if name in known})
    return known


@pytest.fixture
def host_with(tmp_path, services):
    """host_with(name=text...): a host with these files in sites-enabled."""

    def host_with(main="", **sites):
        enabled = tmp_path / "sites-enabled"
        enabled.mkdir(exist_ok=True)
        for name, text in sites.items():
            (enabled / name).write_text(text)
        conf = tmp_path / "nginx.conf"
        conf.write_text(f"http {{ {main} include sites-enabled/*; }}\n")

        def run(args, **_options):
            listed = "".join(f"{name} loaded active running\n" for name in services)
            return 0, listed if "list-units" in args else "192.0.2.1", ""

        return read_host(run, {"conf_path": str(conf), "conf_dir": str(tmp_path), "user": "www-data"}, 7)

    return host_with


@pytest.fixture
def site():
    """nginx's file of the hand-made site."""
    return SITE


@pytest.fixture
def old_site(host_with, site):
    """The hand-made site as it is found."""
    return old.find(host_with(project=site), ["hand.test"])

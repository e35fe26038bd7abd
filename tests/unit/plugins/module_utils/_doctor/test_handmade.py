"""The sites that an operator made by hand."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import handmade
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service

TEXT = """
server {
    listen 443 ssl; server_name hand.test www.hand.test;
    ssl_certificate /etc/x/full.pem; ssl_certificate_key /etc/x/key.pem;
    location / { proxy_pass http://unix:/run/gunicorn.sock; }
}
server { listen 80; server_name hand.test; return 301 https://$host$request_uri; }
server { listen 80; server_name other.test; location / { proxy_pass http://127.0.0.1:1; } }
server { listen 80; server_name app.test; location / { proxy_pass http://unix:/srv/shop/current/web.sock; } }
"""
SERVICE = Service("gunicorn.service")


@pytest.fixture
def host(doctor_host, monkeypatch):
    known = {"unix:/run/gunicorn.sock": SERVICE, "unix:/srv/shop/current/web.sock": SERVICE}
    monkeypatch.setattr(handmade, "service_at", lambda run, address, sockets=None: known.get(address))
    return doctor_host(TEXT)


def test_only_servers_with_a_service_that_gatehouse_does_not_manage(host):
    (found,) = handmade.handmade_sites(host)
    assert found.names == ("hand.test", "www.hand.test")
    assert found.speaks_http
    assert (found.address, found.service) == ("unix:/run/gunicorn.sock", SERVICE)
    assert found.certificate == ("/etc/x/full.pem", "/etc/x/key.pem")


def test_the_service_behind_a_server(host):
    found = {one.server.children("server_name")[0].args[0]: one.server for one in host.listens}
    assert handmade.service_of(host, found["hand.test"]) in (SERVICE, None)
    assert handmade.service_of(host, found["app.test"]) is None
    assert handmade.service_of(host, found["other.test"]) is None

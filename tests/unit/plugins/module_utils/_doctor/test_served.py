"""The sites that nginx serves for apps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import engine, served
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.x509 import Fields

SITES = """
access_log /var/log/nginx/access.log;
server { listen 80; server_name shop.test; location / { return 301 https://shop.test$request_uri; } }
server {
    listen 443 ssl; server_name shop.test www.shop.test; ssl_certificate /etc/ssl/shop.pem;
    access_log /var/log/nginx/shop.access.log json; error_log stderr;
    location / { proxy_pass http://unix:/srv/shop/current/web.sock; }
}
server {
    listen 80; server_name blog.test; access_log off;
    location / { proxy_pass http://unix:/srv/blog/current/web.sock; }
}
server {
    listen 80; server_name shared.test;
    location / { proxy_pass http://shared; root /var/lib/gatehouse/expected/shared; }
}
server { listen 80; server_name wiki.test; location / { proxy_pass http://127.0.0.1:1; } }
"""


def test_each_site_of_an_app(doctor_host, monkeypatch):
    expires = datetime.now(UTC) + timedelta(days=61, hours=1)
    monkeypatch.setattr(served, "first_certificate", lambda path: f"pem of {path}")
    monkeypatch.setattr(served.x509, "read", lambda _pem: Fields([], False, expires, expires))
    host = doctor_host(SITES)
    shop, blog, shared = served.served_sites(host)
    assert (shop.app, shop.site, shop.names) == ("shop", "shop.test", ("shop.test", "www.shop.test"))
    assert (shop.certificate, shop.days, shop.access_log, shop.error_log) == (
        *("/etc/ssl/shop.pem", 61, "/var/log/nginx/shop.access.log", ""),
    )
    assert (blog.app, blog.certificate, blog.days, blog.access_log) == ("blog", "", None, "")
    assert blog.error_log == host.nginx["error_log_path"]
    # An app of other hosts, which this one balances.
    assert (shared.app, shared.site) == ("shared", "shared.test")
    assert engine.is_meant(host, None, ["shared"], host.listens[-2].server)
    assert not engine.is_meant(host, None, ["shared"], host.listens[0].server)


def test_a_certificate_for_balancers_is_internal(doctor_host, monkeypatch):
    monkeypatch.setattr(served, "first_certificate", lambda _path: "pem")
    monkeypatch.setattr(served.x509, "read", lambda _pem: None)
    text = (
        "server { listen 443 ssl; ssl_certificate %s; location / { proxy_pass http://unix:/srv/a/current/web.sock; } }"
    )
    for path, is_internal in (("/etc/gatehouse/services/web/server.crt", True), ("/etc/ssl/shop.pem", False)):
        (site,) = served.served_sites(doctor_host(text % path))
        assert site.is_internal == is_internal


def test_a_host_without_nginx():
    assert served.read_sites(None, {"installed": False}) == []

"""nginx cannot connect to the application."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import applications
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.applications import Application
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import unreachable_app
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

SHOP = Application("unix:/srv/shop/current/web.sock", "the app shop", "/srv/shop", "shop")
HAND = Application("unix:/run/hand.sock", "hand.service", "/home/deploy/project")


@pytest.fixture
def explain(visit_to, monkeypatch):
    """explain(address, applications of the host...): the finding for a 502."""

    def explain(address, *known, more="", outputs=(), **options):
        monkeypatch.setattr(applications, "applications", lambda host: list(known))
        text = f"{more}\nlocation / {{ proxy_pass http://{address}; }}"
        return unreachable_app.explain(visit_to(text, ("http://shop.test/", Answer(502)), outputs=outputs, **options))

    return explain


def test_an_address_on_which_the_application_listens(explain, listener):
    assert explain(listener) is None


def test_nothing_listens(explain, unused_address, tmp_path):
    finding = explain(unused_address)
    where = f"{tmp_path}/nginx.conf:4"
    assert finding.cause == f"nginx passes requests to {unused_address} ({where}), where nothing listens."
    assert finding.remedy == (
        f"Start the application that is meant to listen on {unused_address}, or correct the address in {where}."
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOENT, "there is no socket"),
        (errno.ECONNREFUSED, "nothing listens"),
        (errno.EAGAIN, "the queue of connections is full"),
        (errno.ETIMEDOUT, "nothing answers within 3 seconds"),
        (errno.EACCES, "the connection fails: Permission denied"),
    ],
)
def test_a_socket_that_nginx_cannot_connect_to(explain, code, words):
    finding = explain("unix:/run/x.sock", outputs=[("-c /run/x.sock", "", code)])
    assert f"where {words}." in finding.cause


@pytest.mark.parametrize(
    ("alias", "meant"),
    [("/srv/shop/current/static/", SHOP), ("/home/deploy/project/static/", HAND), ("/var/www/static/", None)],
)
def test_the_files_of_a_site_show_which_application_is_meant(explain, unused_address, tmp_path, alias, meant):
    finding = explain(unused_address, SHOP, HAND, more=f"location /static/ {{ alias {alias}; }}")
    if meant:
        assert finding.cause.endswith(f"; {meant.name}, whose files this site publishes, listens on {meant.address}.")
        assert f"'proxy_pass http://{meant.address};' in {tmp_path}/nginx.conf:4" in finding.remedy
    else:
        assert (
            "applications of this host: the app shop (unix:/srv/shop/current/web.sock), hand.service" in finding.cause
        )
        assert "proxy_pass" not in finding.remedy


def test_the_only_application_of_the_host_may_be_another_site(explain, unused_address):
    assert "proxy_pass" not in explain(unused_address, SHOP).remedy


def test_two_applications_of_one_project_are_not_told_apart(explain, unused_address):
    files = "location /static/ { alias /home/deploy/project/static/; }"
    finding = explain(unused_address, HAND, replace(HAND, address="127.0.0.1:9"), more=files)
    assert "proxy_pass" not in finding.remedy


def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(explain, unused_address, tmp_path):
    (tmp_path / "gatehouse/sites").mkdir(parents=True)
    files = "location /static/ { alias %s; }"
    site = f"server {{ server_name shop.test; {files} location / {{ proxy_pass http://{unused_address}; }} }}"
    include = "include gatehouse/sites/*.conf;"
    (tmp_path / "gatehouse/sites/shop.conf").write_text(site % "/srv/shop/current/static/")
    assert "`app: shop` in the entry of the site shop" in explain(unused_address, SHOP, HAND, file=include).remedy
    (tmp_path / "gatehouse/sites/shop.conf").write_text(site % "/var/www/static/")
    assert "'upstream' of the site in django_sites" in explain(unused_address, SHOP, file=include).remedy


def test_a_permission_on_the_way_to_the_socket(explain, tmp_path):
    path = tmp_path / "app.sock"
    path.touch(0o600)
    finding = explain(f"unix:{path}", outputs=[(f"test -w {path}", "", 1)])
    assert finding.cause.startswith(f"nginx cannot reach the socket {path}: the file {path} (mode 0600 ")
    assert "cannot be written to by nginx's user" in finding.cause
    assert finding.remedy.startswith("`chmod ")


@pytest.mark.parametrize(
    ("state", "remedy"),
    [("active", "`systemctl restart x.socket`"), ("inactive", "`systemctl enable --now x.socket`")],
)
def test_the_socket_unit_of_the_address(explain, unused_address, state, remedy):
    unit = f"Id=x.socket\nListen={unused_address} (Stream)\nTriggers=x.service\nActiveState={state}\n"
    outputs = [("list-unit-files", "x.socket enabled\n"), ("systemctl show", unit)]
    assert explain(unused_address, outputs=outputs).remedy == remedy


def test_a_service_that_takes_no_connections(explain):
    address = "unix:/run/hand.sock"
    finding = explain(address, HAND, outputs=[("-c /run/hand.sock", "", errno.EAGAIN)])
    assert "although hand.service listens there: it does not take connections from its queue" in finding.cause
    assert "`systemctl restart hand.service`" in finding.remedy
    assert "although" not in explain(address, HAND, outputs=[("-c /run/hand.sock", "", errno.ECONNREFUSED)]).cause

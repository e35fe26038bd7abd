"""nginx cannot connect to an address of the application."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import unreachable_app
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.http import Answer

LISTENING = """
LISTEN 0 128 127.0.0.1:8001 0.0.0.0:* users:(("gunicorn",pid=7,fd=3),("gunicorn",pid=8,fd=3))
LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))
LISTEN 0 128 [::]:9000 [::]:* users:(("python3.11",pid=9,fd=3))
"""


@pytest.fixture
def explain(visit_to, monkeypatch):
    """explain(address, apps of the host...): the finding for a 502."""

    def explain(address, *apps, more="", outputs=(), **options):
        monkeypatch.setattr(addresses, "glob", lambda pattern: [f"/srv/{app}/current/web.sock" for app in apps])
        monkeypatch.setattr(addresses.shutil, "which", lambda name: name)
        text = f"{more}\nlocation / {{ proxy_pass http://{address}; }}"
        return unreachable_app.explain(visit_to(text, ("http://shop.test/", Answer(502)), outputs=outputs, **options))

    return explain


def test_an_address_on_which_the_application_listens(explain, listener):
    assert explain(listener) is None


def test_nothing_listens(explain, unused_address, tmp_path):
    finding = explain(unused_address)
    where = f"{tmp_path}/nginx.conf:4"
    assert finding.cause == f"nginx passes requests to {unused_address} ({where}), where nothing listens."
    assert finding.remedy == f"Start the application that is meant to listen on {unused_address}."


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


def test_the_only_app_of_the_host_is_meant(explain, unused_address, tmp_path):
    finding = explain(unused_address, "shop")
    assert finding.cause.endswith("; the app shop listens on unix:/srv/shop/current/web.sock.")
    assert f"'proxy_pass http://unix:/srv/shop/current/web.sock;' in {tmp_path}/nginx.conf:4" in finding.remedy


def test_the_files_show_which_of_several_apps_is_meant(explain, unused_address):
    finding = explain(unused_address, "a", "shop", more="location /static/ { alias /srv/shop/current/static/; }")
    assert finding.cause.endswith("; the app shop listens on unix:/srv/shop/current/web.sock.")
    finding = explain(unused_address, "a", "shop", more="location /static/ { alias /srv/none/static/; }")
    assert finding.cause.endswith("listen on unix:/srv/a/current/web.sock, unix:/srv/shop/current/web.sock.")
    assert finding.remedy.startswith("Write the address of the right one in /")


def test_other_servers_of_the_host(explain, unused_address):
    finding = explain(unused_address, outputs=[("ss -Hltnp", LISTENING)])
    assert finding.cause.endswith(
        "; applications of this host listen on 127.0.0.1:8001 (gunicorn), [::]:9000 (python3.11)."
    )


def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(explain, unused_address, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    site = f"server {{ server_name shop.test; location / {{ proxy_pass http://{unused_address}; }} }}"
    (tmp_path / "gatehouse" / "shop.conf").write_text(site)
    include = "include gatehouse/*.conf;"
    finding = explain(unused_address, "shop", file=include)
    assert finding.remedy == "Write 'app: shop' instead of 'upstream' for the site in django_sites."
    finding = explain(unused_address, "a", "b", file=include)
    assert finding.remedy.startswith("Write the address of the right one in 'upstream' of the site in django_sites")


def test_a_permission_on_the_way_to_the_socket(explain, tmp_path):
    path = tmp_path / "app.sock"
    path.touch(0o600)
    finding = explain(f"unix:{path}", outputs=[(f"test -w {path}", "", 1)])
    assert finding.cause.startswith(f"nginx cannot reach the socket {path}: the file {path} (mode 0600 ")
    assert "cannot be written to by nginx's user" in finding.cause
    assert finding.remedy.startswith("`chmod ")


UNITS = "x.socket enabled enabled\n"
UNIT = "Id=x.socket\nListen={0} (Stream)\nTriggers=x.service\nActiveState={1}\nFragmentPath={2}/x.socket\n"


@pytest.mark.parametrize(
    ("listen", "state", "place", "remedy"),
    [
        ("/run/x.sock", "active", "/etc/systemd/system", "Write 'proxy_pass http://unix:/run/x.sock;' in "),
        ("127.0.0.1:9", "active", "/etc/systemd/system", "Write 'proxy_pass http://127.0.0.1:9;' in "),
        ("ADDRESS", "inactive", "/etc/systemd/system", "`systemctl enable --now x.socket`"),
        ("/run/x.sock", "active", "/usr/lib/systemd/system", "Start the application"),
        ("/run/x.sock", "inactive", "/etc/systemd/system", "Start the application"),
    ],
)
def test_the_socket_unit_that_is_meant(explain, unused_address, listen, state, place, remedy):
    unit = UNIT.format(listen.replace("ADDRESS", unused_address), state, place)
    finding = explain(unused_address, outputs=[("list-unit-files", UNITS), ("systemctl show", unit)])
    assert finding.remedy.startswith(remedy)

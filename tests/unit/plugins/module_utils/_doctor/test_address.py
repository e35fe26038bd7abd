"""Where an application is, and where it is said to be."""

from __future__ import annotations

import socket
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

LISTENING = """
LISTEN 0 128 127.0.0.1:8001 0.0.0.0:* users:(("gunicorn",pid=7,fd=3),("gunicorn",pid=8,fd=3))
LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))
LISTEN 0 128 [::]:9000 [::]:* users:(("python3.11",pid=9,fd=3))
"""


@pytest.fixture
def real_address(doctor_host, monkeypatch):
    """real_address(apps of the host, text in the server): the end of the sentence, and the remedy."""

    def real_address(*apps, more="", listening="", text="SERVER"):
        monkeypatch.setattr(addresses, "glob", lambda pattern: [f"/srv/{app}/current/web.sock" for app in apps])
        monkeypatch.setattr(addresses.shutil, "which", lambda name: name)
        server = f"server {{ {more}\nlocation / {{ proxy_pass http://127.0.0.1:1; }} }}"
        host = doctor_host(text.replace("SERVER", server), ("ss -Hltnp", listening))
        return addresses.real_address(host, next(one for one in host.tree.below("location") if sites.passed_to(one)))

    return real_address


def test_who_listens(tmp_path, doctor_host, monkeypatch):
    # As nginx's workers, but without their user.
    monkeypatch.setattr(Host, "_as_worker", lambda host, sandboxed: [])
    host = doctor_host()
    object.__setattr__(host, "run", lambda args: (subprocess.run(args, check=False).returncode, "", ""))
    path = tmp_path / "app.sock"
    assert addresses.refusal(host, f"unix:{path}") == "there is no socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert addresses.refusal(host, f"unix:{path}") == "nothing listens"
        server.listen()
        assert addresses.refusal(host, f"unix:{path}") == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert addresses.refusal(host, address) == ""
    assert addresses.refusal(host, address) == "nothing listens"
    assert addresses.refusal(host, "127.0.0.1:nonsense").startswith("no connection is to be had")


def test_the_only_app_of_the_host_is_the_one_that_is_meant(real_address, tmp_path):
    said, remedy = real_address("shop")
    assert said == "; the app shop listens on unix:/srv/shop/current/web.sock"
    assert f"'proxy_pass http://unix:/srv/shop/current/web.sock;' in {tmp_path}/nginx.conf:3" in remedy


def test_the_files_tell_which_of_several_apps_is_meant(real_address):
    said, _remedy = real_address("a", "shop", more="location /static/ { alias /srv/shop/current/static/; }")
    assert said == "; the app shop listens on unix:/srv/shop/current/web.sock"
    said, remedy = real_address("a", "shop", more="location /static/ { alias /srv/none/static/; }")
    assert said.endswith("listen on unix:/srv/a/current/web.sock, unix:/srv/shop/current/web.sock")
    assert remedy.startswith("Write the address of the right one in /")


def test_what_else_listens(real_address):
    said, _remedy = real_address(listening=LISTENING)
    assert said == "; on this host applications listen on 127.0.0.1:8001 (gunicorn), [::]:9000 (python3.11)"


def test_nobody_listens_anywhere(real_address):
    assert real_address() == ("", "")


def test_a_site_of_gatehouses_is_mended_in_the_inventory(real_address, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "shop.conf").write_text("server { location / { proxy_pass http://127.0.0.1:1; } }")
    _said, remedy = real_address("shop", text="include gatehouse/*.conf;")
    assert remedy == "Write 'app: shop' in place of its upstream for the site in django_sites."
    _said, remedy = real_address("a", "b", text="include gatehouse/*.conf;")
    assert remedy.startswith("Write the address of the right one in upstream of the site in django_sites")

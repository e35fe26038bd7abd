"""The applications of a host that listen."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import applications

TCP = """
LISTEN 0 128 127.0.0.1:8001 0.0.0.0:* users:(("gunicorn",pid=7,fd=3),("gunicorn",pid=8,fd=3))
LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))
LISTEN 0 128 *:9000 *:* users:(("python3.11",pid=9,fd=3))
"""
UNIX = """
u_str LISTEN 0 128 /run/hand.sock 77 * 0 users:(("uwsgi",pid=11,fd=3))
u_str LISTEN 0 128 /srv/shop/releases/1/web.sock 78 * 0 users:(("gunicorn",pid=12,fd=3))
u_str LISTEN 0 128 /home/deploy/.gunicorn/gunicorn.ctl 80 * 0 users:(("gunicorn",pid=7,fd=9))
u_str LISTEN 0 128 @abstract 79 * 0 users:(("python3",pid=13,fd=3))
"""


def test_ports_and_unix_sockets_of_python_programs(doctor_host, monkeypatch):
    monkeypatch.setattr(applications, "glob", lambda pattern: ["/srv/shop/current/web.sock"])
    monkeypatch.setattr(applications.shutil, "which", lambda name: name)
    monkeypatch.setattr(applications, "unit_of", lambda pid: "hand.service" if pid == 11 else "")
    shown = "Id=hand.service\nWorkingDirectory=/home/deploy\nFragmentPath=/etc/systemd/system/hand.service\n"
    host = doctor_host("", ("ss -Hltnp", TCP), ("ss -Hlxnp", UNIX), ("show hand.service", shown))
    found = {one.address: (one.name, one.directory) for one in applications.applications(host)}
    assert found == {
        "unix:/srv/shop/current/web.sock": ("the app shop", "/srv/shop"),
        "127.0.0.1:8001": ("gunicorn (process 7)", ""),
        "127.0.0.1:9000": ("python3.11 (process 9)", ""),
        "unix:/run/hand.sock": ("hand.service", "/home/deploy"),
    }


@pytest.mark.parametrize(
    ("directory", "project", "expected"),
    [
        ("/home/deploy/project/static/", "/home/deploy/project", True),
        ("/home/deploy/project2/static/", "/home/deploy/project", False),
        ("/var/www/static/", "/", False),
        ("/srv/shop/current/static/", "/srv", False),
        ("/srv/shop/current/static/", "", False),
    ],
)
def test_whether_a_directory_belongs_to_a_project(directory, project, expected):
    assert applications.is_inside(directory, project) is expected

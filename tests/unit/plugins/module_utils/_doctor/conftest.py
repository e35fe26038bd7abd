"""Fixtures of the doctor's tests."""

from __future__ import annotations

import socket
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import apps, evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import (
    app_error,
    failing_service,
    no_release,
    other_python,
    socket_file,
    socket_unit,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import read_host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, parse
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Step, Visit


@pytest.fixture
def doctor_host(tmp_path):
    """doctor_host(text of the http block, outputs of commands...): a host whose nginx has that configuration.

    A command gets the first of *outputs* whose words are all in it: (words, output) or (words, output, exit code).
    """

    def doctor_host(text="", *outputs, master=7, own="192.0.2.1 2001:db8::1"):
        path = tmp_path / "nginx.conf"
        path.write_text(f"http {{\n{text}\n}}\n")
        known = [*outputs, ("hostname", own)]

        def run(args, **_stdin):
            commands.append(args)
            for words, out, *rc in known:
                if all(word in " ".join(args) for word in words.split()):
                    return (rc[0] if rc else 0), out, ""
            return 0, "", ""

        commands: list[list[str]] = []
        nginx = {
            **{"conf_path": str(path), "conf_dir": str(tmp_path), "user": "www-data", "installed": True},
            **{"error_log_path": str(tmp_path / "error.log"), "pid_path": "/run/nginx.pid", "path": "/usr/sbin/nginx"},
        }
        host = read_host(run, nginx, master)
        commands.clear()
        # For tests that look at the commands.
        object.__setattr__(host, "commands", commands)
        return host

    return doctor_host


@pytest.fixture
def request_for(doctor_host):
    """request_for(url): a request to a host whose configuration has a site for it."""
    text = "server { listen 80; listen 443 ssl; server_name shop.test; location / { proxy_pass http://127.0.0.1:1; } }"
    return lambda url: find(doctor_host(text), parse(url))


@pytest.fixture
def visit_to(doctor_host, tmp_path):
    """visit_to(text of the server, (url, answer)...): the visit with these steps. TMP in *text* is a directory.

    The server is in nginx.conf, with *managed* in the file that Gatehouse writes for the site `shop`.
    """

    def visit_to(
        text, *steps, outputs=(), is_target=True, file="server { server_name shop.test;\nTEXT\n}", managed=False
    ):
        text = file.replace("TEXT", text).replace("TMP", str(tmp_path))
        if managed:
            path = tmp_path / "gatehouse" / "live" / "sites" / "shop.conf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            text = f"include {path};"
        host = doctor_host(text, *outputs)
        found = tuple(Step(find(host, parse(url)), answer) for url, answer in steps)
        return Visit(host, found, is_target, time.time())

    return visit_to


@pytest.fixture
def failed_visit(visit_to, doctor_host, tmp_path):
    """failed_visit(text of the server, messages of the error log...): a visit with that answer of nginx's own.

    A message that names no client is about the visit's own request.
    """

    def failed_visit(text, *messages, status=502, page="<hr><center>nginx</center>", path="/", **options):
        now = time.time()
        at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(now))
        lines = [one if "client: " in one else f"{one}, client: 192.0.2.9" for one in messages]
        request = (
            f'server: shop.test, request: "GET {path} HTTP/1.1", upstream: "http://127.0.0.1:1/", host: "shop.test"'
        )
        sent = find(doctor_host("server { server_name shop.test; }"), parse(f"http://shop.test{path}"))
        request = f'{request}, referrer: "{sent.referrer if sent else ""}"'
        log = "".join(f"{at} [error] 1#1: *1 {line}, {request}\n" for line in lines)
        (tmp_path / "error.log").write_text(log)
        answer = Answer(status, body=page, client="192.0.2.9", began=now, ended=now)
        return visit_to(text, (f"http://shop.test{path}", answer), **options)

    return failed_visit


@pytest.fixture
def listener():
    """The address of a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def unused_address():
    """An address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    return address


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The directory of the release that the app `shop` serves."""
    for module in (apps, evidence, app_error, failing_service, no_release, other_python, socket_file, socket_unit):
        monkeypatch.setattr(module, "App", lambda name: App(name, str(tmp_path)))
    release = tmp_path / "shop" / "releases" / "1"
    release.mkdir(parents=True)
    (release / ".complete").touch()
    (release / "web.sock").touch()
    (tmp_path / "shop" / "current").symlink_to("releases/1")
    return release

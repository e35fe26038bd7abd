"""How the doctor reads the settings of a deployed project, and what it reports where it cannot."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import project_reader, projects, reading
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import render

NAME = "shop.example.com"
# As the role writes it.
MANAGE = render._manage("shop", "/srv/shop", ["User=shop", "SystemCallFilter=~@privileged @resources"])
VALUES = {name: None for name in project_reader.NAMES} | {"ALLOWED_HOSTS": ["other.example.com"]}
ANSWER = {"settings": VALUES, "gunicorn": [27, 0], "inventory": [], "module": "shop.settings"}
PLAIN = AppSite(NAME, (NAME,), False, "80", (), 0, "shop")
SITE = AppSite(NAME, (NAME,), True, "443", (), 0, "shop")


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    release = app.release("1")
    os.makedirs(f"{release}/gatehouse")
    os.makedirs(f"{release}/venv/bin")
    os.symlink("/usr/bin/env", f"{release}/venv/bin/python")
    os.symlink("releases/1", app.link)
    record(app, {f"{app.home}/manage": MANAGE})
    interface(app, "gthread")
    return app


def record(app, units):
    written = {"units": units, "health": {}, "migrations": [], "known_migrations": [], "check": ""}
    with open(f"{app.release('1')}/release.json", "w", encoding="utf-8") as file:
        json.dump(written, file)


def interface(app, worker_class, application="shop.wsgi:application"):
    with open(f"{app.release('1')}/gatehouse/gunicorn.conf.py", "w", encoding="utf-8") as file:
        file.write(f'wsgi_app = "{application}"\nworker_class = "{worker_class}"\n')


class Host:
    """A host on which the program prints this answer."""

    def __init__(self, answer=None, code=0, err=""):
        self.answer, self.code, self.err, self.calls = answer, code, err, []

    def __call__(self, argv, data):
        self.calls.append((argv, data))
        return self.code, json.dumps(self.answer) + "\n" if self.answer else "", self.err


def examine(app, host, *sites):
    return projects.check_projects(sites or [SITE], os.path.dirname(app.home), host)


def test_the_program_runs_as_the_app_in_its_sandbox_and_environment(app):
    host = Host(ANSWER)
    reading.read_project(app, host)
    ((argv, data),) = host.calls
    release = app.release("1")
    assert argv[0] == "systemd-run"
    assert argv[-2:] == [f"{release}/venv/bin/python", "-"]
    for one in (
        "User=shop",
        "Group=shop",
        "SystemCallFilter=~@privileged @resources",
        f"EnvironmentFile={release}/env",
        f"WorkingDirectory={release}/project",
    ):
        assert f"--property={one}" in argv
    assert "django.conf" in data


def test_the_program_never_runs_as_root(app):
    record(app, {})
    host = Host(ANSWER)
    reading.read_project(app, host)
    assert "--property=User=shop" in host.calls[0][0]


def test_a_record_without_a_sandbox_runs_nothing(app):
    record(app, {f"{app.home}/manage": "#!/bin/sh\nexec true\n"})
    host = Host(ANSWER)
    (finding,) = examine(app, host)
    assert host.calls == []
    assert "does not say what its sandbox is" in finding.cause


def test_a_release_without_a_record(app):
    os.remove(f"{app.release('1')}/release.json")
    host = Host(ANSWER)
    (finding,) = examine(app, host)
    assert "is damaged" in finding.cause
    assert host.calls == []


def test_each_app_is_read_once_and_each_finding_reported_once(app):
    host = Host(ANSWER)
    found = examine(app, host, SITE, PLAIN)
    assert len(host.calls) == 1
    assert [finding.cause for finding in found] == [
        f"Django answers 400 to each request for {NAME}: ALLOWED_HOSTS is ['other.example.com']."
    ]


def test_projects_are_read_at_the_same_time(app, tmp_path, monkeypatch):
    monkeypatch.setattr(projects.os, "cpu_count", lambda: 2)
    os.symlink("shop", tmp_path / "blog")
    both, host = threading.Barrier(2, timeout=10), Host(ANSWER)

    def run(argv, data):
        both.wait()
        return host(argv, data)

    found = examine(app, run, SITE, replace(SITE, site="blog.example.com", app="blog"))
    assert [finding.site for finding in found] == [NAME, "blog.example.com"]


def test_many_projects_take_few_threads(app, tmp_path, monkeypatch):
    monkeypatch.setattr(projects.os, "cpu_count", lambda: 64)
    before, threads, host = set(threading.enumerate()), [], Host(ANSWER)
    sites = [replace(SITE, app=f"app{number}") for number in range(50)]
    for site in sites:
        os.symlink("shop", tmp_path / site.app)

    def run(argv, data):
        threads.append(len(set(threading.enumerate()) - before))
        return host(argv, data)

    examine(app, run, *sites)
    assert len(threads) == 50
    assert max(threads) <= projects.CONCURRENT_PROJECTS


def test_names_over_tls_count_for_all_servers(app):
    values = VALUES | {"ALLOWED_HOSTS": ["*"], "SECURE_SSL_REDIRECT": True}
    values["MIDDLEWARE"] = ["django.middleware.security.SecurityMiddleware"]
    host = Host(ANSWER | {"settings": values})
    assert examine(app, host, SITE, PLAIN) == []
    assert len(examine(app, host, PLAIN)) == 1


@pytest.mark.parametrize(
    ("worker_class", "application", "version", "knows"),
    [
        ("gthread", "shop.wsgi:application", [23, 0], True),
        ("asgi", "shop.asgi:application", [26, 2], False),
        ("asgi", "shop.asgi:application", [27, 0], True),
        ("asgi", "gatehouse_server:asgi('shop.asgi:application')", [26, 2], True),
    ],
)
def test_whether_the_server_knows_the_scheme(app, worker_class, application, version, knows):
    interface(app, worker_class, application)
    assert reading.read_project(app, Host(ANSWER | {"gunicorn": version})).server_knows_scheme is knows


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (Host({"error": "KeyError: 'KEY' (shop/settings.py, line 3)", "module": ""}), "KeyError: 'KEY' (shop/settings"),
        (Host(code=137, err="a secret"), "their process ended with 137."),
        (Host(code=1, err="Failed to start transient service unit: no"), "Failed to start transient service unit: no."),
    ],
)
def test_settings_that_cannot_be_read(app, host, words):
    (finding,) = examine(app, host)
    assert finding.site == NAME
    assert finding.cause.startswith(f"The settings of app shop do not load: {words}")
    assert finding.remedy.startswith(f"Type `{app.home}/manage check`")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"f_flag": os.ST_RDONLY}, "is read-only"),
        ({"f_bavail": 0}, "is full"),
        ({"f_favail": 0}, "has no inodes left ('df --inodes')"),
    ],
)
def test_systemd_cannot_start_a_process(app, monkeypatch, state, words):
    """systemd only says 'Unit run-p1-i2.service not found'. The project is not the cause."""
    found = SimpleNamespace(**{"f_flag": 0, "f_bavail": 9, "f_files": 9, "f_favail": 9} | state)
    monkeypatch.setattr(reading.os, "statvfs", lambda path: found)
    (finding,) = examine(app, Host(code=1, err="Failed to start transient service unit: Unit run-p1-i2 not found."))
    assert finding.cause == (
        "The doctor cannot read the settings of app shop: systemd cannot start the process that reads them, because "
        f"/run {words}."
    )
    assert finding.remedy.startswith("Type `df /run;")


def test_a_file_system_without_a_number_of_inodes_is_not_full(app, monkeypatch):
    found = SimpleNamespace(f_flag=0, f_bavail=9, f_files=0, f_favail=0)
    monkeypatch.setattr(reading.os, "statvfs", lambda path: found)
    (finding,) = examine(app, Host(code=1, err="Failed to start transient service unit: no"))
    assert finding.cause.endswith("do not load: Failed to start transient service unit: no.")


def test_a_python_that_no_longer_exists(app):
    os.remove(f"{app.release('1')}/venv/bin/python")
    os.symlink("/usr/bin/python2.1", f"{app.release('1')}/venv/bin/python")
    (finding,) = examine(app, Host(code=203))
    assert finding.cause.endswith("its Python, '/usr/bin/python2.1', no longer exists.")


def test_an_app_without_a_release_is_not_read(app):
    os.remove(app.link)
    host = Host(ANSWER)
    assert (examine(app, host), host.calls) == ([], [])

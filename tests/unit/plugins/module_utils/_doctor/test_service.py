"""The systemd service behind an address."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import service
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service

FILES = "gunicorn.socket enabled enabled\ndbus.socket static -\nshop-web@.socket disabled enabled\n"
SOCKETS = """\
Id=gunicorn.socket
Listen=/run/gunicorn.sock (Stream)
Listen=127.0.0.1:8000 (Stream)
Listen=127.0.0.1:8001 (Datagram)
Triggers=gunicorn.service
ActiveState=active
FragmentPath=/etc/systemd/system/gunicorn.socket

Id=dbus.socket
Listen=/run/dbus (Stream)
Triggers=dbus.service
ActiveState=inactive
FragmentPath=/usr/lib/systemd/system/dbus.socket
"""
SERVICE = """\
Id=gunicorn.service
MainPID=614
User=deploy
WorkingDirectory=!/home/deploy/project
ExecStart={ path=/v/bin/gunicorn ; argv[]=/v/bin/gunicorn --bind unix:/run/x.sock mysite.wsgi:application ; pid=0 }
ActiveState=active
UnitFileState=enabled
FragmentPath=/etc/systemd/system/gunicorn.service
TriggeredBy=gunicorn.socket reload.path
Environment=KEY=secret
EnvironmentFiles=/home/deploy/.env (ignore_errors=no)
EnvironmentFiles=/etc/more (ignore_errors=yes)
"""
NONE = "Id=none.service\nFragmentPath=\nActiveState=inactive\n"


@pytest.fixture
def run():
    def run(args, **_options):
        words = " ".join(args)
        if "list-unit-files" in words:
            return 0, FILES, ""
        if args[0] == "ss":
            return 0, 'LISTEN 0 9 127.0.0.1:9000 0.0.0.0:* users:(("gunicorn",pid=12,fd=5))\n', ""
        if "gunicorn.service" in args or "none.service" in args:
            return 0, "\n\n".join([SERVICE.strip(), NONE.strip()]) + "\n", ""
        return 0, SOCKETS, ""

    return run


def test_addresses_of_socket_units(run):
    found = service.listening_sockets(run)
    assert set(found) == {"unix:/run/gunicorn.sock", "127.0.0.1:8000", "unix:/run/dbus"}
    gunicorn, dbus = found["unix:/run/gunicorn.sock"], found["unix:/run/dbus"]
    assert (gunicorn.unit, gunicorn.service) == ("gunicorn.socket", "gunicorn.service")
    assert (gunicorn.is_active, gunicorn.is_handmade) == (True, True)
    assert (dbus.is_active, dbus.is_handmade) == (False, False)


@pytest.mark.parametrize("address", ["unix:/run/gunicorn.sock", "unix:/run/../run/gunicorn.sock", "127.0.0.1:8000"])
def test_a_service_is_found_by_its_socket_unit(run, address):
    found = service.service_at(run, address)
    assert found == Service(
        unit="gunicorn.service",
        sockets=("gunicorn.socket",),
        triggers=("reload.path",),
        path="/etc/systemd/system/gunicorn.service",
        user="deploy",
        directory="/home/deploy/project",
        argv=("/v/bin/gunicorn", "--bind", "unix:/run/x.sock", "mysite.wsgi:application"),
        pid=614,
        is_active=True,
        is_enabled=True,
        environment_files=("/home/deploy/.env", "/etc/more"),
        has_environment=True,
    )
    assert found.units == ("gunicorn.socket", "reload.path", "gunicorn.service")


def test_a_service_that_listens_itself_is_found_by_its_process(run, monkeypatch):
    monkeypatch.setattr(service.shutil, "which", lambda name: name)
    monkeypatch.setattr(service, "unit_of", lambda pid: {12: "gunicorn.service"}.get(pid, ""))
    assert service.service_at(run, "127.0.0.1:9000").unit == "gunicorn.service"
    assert service.service_at(run, "127.0.0.1:9001") is None


def test_a_unit_that_systemd_does_not_have(run):
    assert list(service.describe(run, ["gunicorn.service", "none.service"])) == ["gunicorn.service"]


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["--workers", "3", "mysite.wsgi:application"], "mysite.wsgi"),
        (["mysite.asgi"], "mysite.asgi"),
        (["-k", "uvicorn.workers.UvicornWorker", "site.asgi:make()"], "site.asgi"),
        (["--bind", "127.0.0.1:8000"], ""),
        ([], ""),
    ],
)
def test_the_module_of_the_application(words, module):
    assert Service("x.service", argv=("/v/bin/gunicorn", *words)).application == module


def test_the_python_of_the_virtual_environment(tmp_path):
    (tmp_path / "python").touch()
    (tmp_path / "python3.13").touch()
    assert Service("x.service", argv=(f"{tmp_path}/gunicorn", "x")).python == f"{tmp_path}/python"
    assert Service("x.service", argv=(f"{tmp_path}/python3.13", "-m", "gunicorn")).python == f"{tmp_path}/python3.13"
    assert Service("x.service", argv=("/nowhere/gunicorn",)).python == ""
    assert Service("x.service").python == ""


def test_a_command_in_the_environment_of_the_service_shows_no_value():
    known = Service(
        "x.service", user="deploy", directory="/srv/a b", environment_files=("/srv/.env",), has_environment=True
    )
    assert known.command("/v/python", "manage.py") == (
        "systemd-run --quiet --pipe --wait --collect --property=User=deploy '--property=WorkingDirectory=/srv/a b' "
        '--property=EnvironmentFile=/srv/.env --property="$(systemctl show -p Environment x.service)" '
        "/v/python manage.py"
    )

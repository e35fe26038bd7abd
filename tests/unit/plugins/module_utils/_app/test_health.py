"""The health check of a candidate."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import health
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

CHECK = {"host": "shop.example.com", "path": "/", "status": [], "timeout": 30, "host_from": "settings"}


def test_an_endless_answer_times_out(tmp_path):
    app = App("shop", str(tmp_path))
    release = tmp_path / "shop" / "releases" / "a-1"
    release.mkdir(parents=True)
    ended = threading.Event()

    def answer_forever(listening):
        connection, _address = listening.accept()
        with connection, contextlib.suppress(OSError):
            while not ended.wait(0.2):
                # http.client goes on to read after each of them (RFC 9110, 15.2).
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(release / "web.sock"))
        listening.listen()
        threading.Thread(target=answer_forever, args=(listening,), daemon=True).start()
        units = SimpleNamespace(app=app, is_down=lambda _unit: False)
        started = time.monotonic()
        status, said = Health(units, "a-1", CHECK).answer(1)
        ended.set()
    assert (status, said) == (0, "got no answer within 1 s")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("timeout", "first"), [(30, 30), (5, 15), (3600, 60)])
def test_one_answer_may_take_as_long_as_a_worker(tmp_path, timeout, first):
    """A cold worker imports the project within its first answer, on a slow host for longer than 15 s."""
    units = SimpleNamespace(app=App("shop", str(tmp_path)), is_down=lambda _unit: False)
    checked, asked = Health(units, "a-1", CHECK | {"timeout": timeout}), []

    def answer(seconds):
        asked.append(seconds)
        return 200, "returned 200"

    checked.answer = answer
    checked.wait()
    assert asked == [first]


def test_the_last_look_is_at_the_end_of_the_watch(tmp_path, monkeypatch):
    units = SimpleNamespace(
        app=App("shop", str(tmp_path)), is_down=lambda _unit: False, show=lambda _unit: {"MainPID": 1}
    )
    checked, now, looked = Health(units, "a-1", CHECK), [0.0], []
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(health.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(checked, "_processes", set)
    checked.answer = lambda _seconds: looked.append(now[0]) or (200, "returned 200")
    checked.watch()
    assert looked[-1] == pytest.approx(health.WATCH_SECONDS)
    assert looked[0] == pytest.approx(health.POLL_SECONDS)


@pytest.mark.parametrize(
    ("host_from", "said"),
    [
        ("option", "not in ALLOWED_HOSTS: add 'shop.example.com' to it, or set health_host."),
        ("", "not in ALLOWED_HOSTS: add 'shop.example.com' to it, or set health_host."),
        ("settings", "ALLOWED_HOSTS allows 'shop.example.com'. Read the journal: Django also refuses names with '_'"),
        ("nowhere", "because ALLOWED_HOSTS is empty: list the site's names in it."),
    ],
)
def test_a_400_is_explained_by_where_the_host_comes_from(tmp_path, monkeypatch, host_from, said):
    monkeypatch.setattr(health, "WRONG_ANSWER_SECONDS", -1)
    units = SimpleNamespace(app=App("shop", str(tmp_path)), is_down=lambda _unit: True)
    checked = Health(units, "a-1", CHECK | {"host_from": host_from})
    checked.answer = lambda _seconds: (400, "returned 400 Bad Request")
    with pytest.raises(ReleaseError) as raised:
        checked.wait()
    assert said in str(raised.value)
    assert ("add 'shop" in str(raised.value)) == (host_from in ("option", ""))

"""The health check of a candidate."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

from ansible_collections.gatehouse.django.plugins.module_utils._app import health
from ansible_collections.gatehouse.django.plugins.module_utils._app.health import Health
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App

CHECK = {"host": "shop.example.com", "path": "/", "status": [], "timeout": 30}


def test_an_endless_answer_times_out(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    release = tmp_path / "shop" / "releases" / "a-1"
    release.mkdir(parents=True)
    monkeypatch.setattr(health, "REQUEST_TIMEOUT_SECONDS", 1)
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
        status, said = Health(units, "a-1", CHECK).answer()
        ended.set()
    assert (status, said) == (0, "got no answer within 1 s")
    assert time.monotonic() - started < 5

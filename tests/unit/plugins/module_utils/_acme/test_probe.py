"""A host requests its own test file before the authority requests its challenge."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._acme import probe


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words):
        pass


@pytest.fixture
def serve():
    """serve(directory): the port of a server of its files on this machine."""
    servers = []

    def serve(directory):
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory))))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_address[1]

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def names(monkeypatch):
    """Names that lead to this machine, elsewhere, and nowhere."""
    known = {"here.example": "127.0.0.1", "elsewhere.example": "127.0.0.2"}

    def look_up(name, _port):
        if name not in known:
            raise OSError(-2, "Name or service not known")
        return known[name]

    monkeypatch.setattr(probe, "_resolve", look_up)


def test_a_successful_probe_leaves_no_file(serve, tmp_path, monkeypatch):
    monkeypatch.undo()
    assert probe.probe(["localhost"], tmp_path, serve(tmp_path)) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_name_that_does_not_resolve(tmp_path):
    (said,) = probe.probe(["nowhere.example"], tmp_path, 1)
    assert said == "nowhere.example cannot be resolved: Name or service not known. Create its DNS record first."


def test_another_server_answers(serve, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    port, get = serve(tmp_path / "webroot"), probe._request_problem
    other = serve(tmp_path / "other")
    monkeypatch.setattr(
        probe,
        "_request_problem",
        lambda address, port, *words: get("127.0.0.1", other if address.endswith("2") else port, *words),
    )
    (said,) = probe.probe(["elsewhere.example"], tmp_path / "webroot", port)
    assert "resolves to 127.0.0.2, which answers 404 with other content" in said
    assert "On the host itself nginx answers correctly: check the DNS record" in said


def test_nothing_answers(tmp_path):
    (said,) = probe.probe(["here.example"], tmp_path, 1)
    assert "resolves to 127.0.0.1, which does not answer on port 1: Connection refused" in said
    assert "nginx does not answer correctly on the host itself either." in said


@pytest.mark.parametrize("part", [b"HTTP/1.1 100 Continue\r\n\r\n", b"x"])
def test_an_answer_without_an_end(tmp_path, monkeypatch, part):
    """Each part arrives in time, the whole answer never does."""
    monkeypatch.setattr(probe, "TIMEOUT", 0.3)
    gone = threading.Event()

    def serve():
        # The probe asks the address of the name, and then the host itself.
        for _number in range(2):
            connection, _address = server.accept()
            with contextlib.suppress(OSError), connection:
                for _part in range(200):
                    connection.sendall(part)
                    gone.wait(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        (said,) = probe.probe(["here.example"], tmp_path, server.getsockname()[1])
        gone.set()
    assert time.monotonic() - began < 3
    assert "within 0 seconds. nginx does not answer correctly on the host itself either." in said

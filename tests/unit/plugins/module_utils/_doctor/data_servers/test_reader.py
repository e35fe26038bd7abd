"""A cache or broker is asked over its own protocol."""

from __future__ import annotations

import socket
import threading

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers import reader


@pytest.fixture
def listener():
    """listener(answers...): the port of a server that gives these answers, one for each command that it gets."""
    servers = []

    def listener(*answers):
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve():
            client, _address = server.accept()
            with client:
                for answer in answers:
                    received.append(client.recv(1000))
                    client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    received = listener.received = []
    yield listener
    for server in servers:
        server.close()


def test_it_logs_in_and_asks(listener):
    port = listener(b"+OK\r\n", b"+PONG\r\n")
    assert reader.valkey(f"redis://shop:p%40ss@127.0.0.1:{port}/0") == ""
    assert listener.received[0] == b"*3\r\n$4\r\nAUTH\r\n$4\r\nshop\r\n$4\r\np@ss\r\n"


def test_a_refusal(listener):
    assert reader.valkey(f"redis://:no@127.0.0.1:{listener(b'-WRONGPASS invalid')}/0") == "-WRONGPASS invalid"


def test_no_answer(listener, monkeypatch):
    monkeypatch.setattr(reader, "CONNECT_SECONDS", 0.1)
    port = listener()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "timed out" in reader.valkey(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
    assert reader.valkey(f"redis://127.0.0.1:{port}/0") != ""


def test_each_server_is_asked_once(monkeypatch):
    asked = []
    monkeypatch.setattr(reader, "valkey", lambda url: asked.append(url) or "")
    monkeypatch.setattr(reader.signal, "alarm", lambda _seconds: 0)
    url = "rediss://u:p@h:1/0"
    found = reader.instances({"BROKER_URL": url, "REDIS_URL": f"{url}?x=1", "CACHE_URL": "redis:///run/x.sock"})
    assert [(one["kind"], one["label"], one["port"]) for one in found] == [("broker", "BROKER_URL", "1")]
    assert asked == [url]

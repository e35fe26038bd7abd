"""The names of instances, their limits, and what they answer."""

import socket
import threading

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey


@pytest.mark.parametrize(("text", "size"), [("16M", 16 << 20), ("256M", 256 << 20), ("2G", 2 << 30)])
def test_a_limit_of_memory(text, size):
    assert valkey.parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "256", "256m", "0M", "50%", "1.5G", "256M ", "-1M", "9999999M"])
def test_what_is_no_limit(text):
    with pytest.raises(ValueError, match="must be a whole number with M or G"):
        valkey.parse_memory(text)


def test_a_limit_that_holds_nothing():
    with pytest.raises(ValueError, match="memory '15M' is too little: use 16M or more"):
        valkey.parse_memory("15M")


@pytest.fixture
def server(tmp_path):
    """server(chunks...): a socket that answers with them, and then closes the connection or stays silent."""
    opened = []

    def server(*chunks, closes=True):
        path = str(tmp_path / "valkey.sock")
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen()
        opened.append(listening)

        def answer():
            connection, _address = listening.accept()
            opened.append(connection)
            connection.recv(100)
            for chunk in chunks:
                connection.sendall(chunk)
            if closes:
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        return path

    yield server
    for one in opened:
        one.close()


def test_the_answer_of_an_instance(server):
    path = server(b"$4", b"0\r\n# Memory\r\nused_memory:70", b"\r\nmaxmemory:9\r\n", b"\r\n")
    assert valkey.info(path) == {"used_memory": "70", "maxmemory": "9"}


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ((b"-LOADING Valkey is \x1b[31mloading\r\n",), "^LOADING Valkey is [^\x1b]*loading$"),
        ((b"$99999999\r\n",), r"^\$99999999$"),
        ((b"$10\r\nabc",), "it closed the connection"),
        ((b"x" * (valkey.MAX_ANSWER_BYTES + 100_000),), "its answer is too long"),
    ],
)
def test_an_instance_that_refuses(server, chunks, said):
    with pytest.raises(valkey.NoAnswer, match=said):
        valkey.info(server(*chunks))


def test_an_instance_that_hangs_or_does_not_run(server, tmp_path):
    with pytest.raises(valkey.NoAnswer):
        valkey.info(server(b"$1", closes=False), 0.1)
    with pytest.raises(valkey.NoAnswer, match="No such file"):
        valkey.info(str(tmp_path / "other.sock"))


def test_an_instance_for_other_hosts_is_not_one_of_an_app_of_the_same_name_here(tmp_path, monkeypatch):
    monkeypatch.setattr(valkey, "VALKEY_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(valkey, "UNIT_DIRECTORY", str(tmp_path))
    for name in ("shop-cache", "shop-broker"):
        (tmp_path / f"{name}.conf").write_text("port 0\n")
    assert valkey.of_app("shop") == ["shop-cache", "shop-broker"]
    (tmp_path / "shop-broker.conf").write_text("port 0\ntls-port 16379\n")
    assert valkey.is_remote("shop-broker")
    # An app that is removed stops, and with confirmation deletes, its own only.
    assert valkey.of_app("shop") == ["shop-cache"]

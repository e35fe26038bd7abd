"""A websocket that is open while its release is replaced has django_app_timeout to come to its end."""

import struct
import threading
import time

import pytest
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.play import inventory
from helpers.steady import deploy, site_of
from helpers.websocket import CLOSE, TEXT, Websocket
from yaml import safe_load

NAME = site_of("live")


class Conversation(threading.Thread):
    """Says a number again and again, and notes the answers, until the other side ends it."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.websocket = Websocket(address, NAME, "/ws/")
        assert self.websocket.status == 101
        self.answers = []
        self.end, self.cause = None, None

    def run(self):
        with self.websocket:
            while not self.cause:
                self.cause = self._ask(str(len(self.answers)))
                time.sleep(0.2)
        self.end = time.monotonic()

    def _ask(self, number):
        """Why there is no answer, if there is none."""
        try:
            self.websocket.send(TEXT, number.encode())
            kind, payload = self.websocket.receive()
        except (OSError, ValueError, struct.error) as error:
            return f"{type(error).__name__}: {error}"
        if kind == CLOSE:
            return f"closed with {int.from_bytes(payload[:2], 'big')}"
        release, said = payload.decode().split()
        assert said == number
        self.answers.append(release)
        return None


@pytest.fixture
def timeout(host):
    """django_app_timeout of the app `live`."""
    apps = safe_load((inventory(host) / "group_vars/all.yml").read_text())["django_apps"]
    return next(app["timeout"] for app in apps if app["name"] == "live")


def test_an_open_websocket_goes_on_for_its_time(host, address, variant, timeout):
    old = release_of(host, "live")
    talk = Conversation(address)
    talk.start()
    eventually(lambda: talk.answers)
    switched = when_switched(address, old)
    new = deploy(host, variant(), "live")
    ((before, after),) = eventually(lambda: switched.seconds, 60)
    eventually(lambda: talk.end, 120)
    assert set(talk.answers) == {old}
    assert talk.end - before > timeout - 2, talk.cause
    assert talk.end - after < timeout + 60, talk.cause
    # gunicorn would kill the process, and the connection would end without a word: 1012 is "Service Restart".
    assert talk.cause == "closed with 1012"
    with Websocket(address, NAME, "/ws/") as websocket:
        websocket.send(TEXT, b"hello")
        assert websocket.receive() == (TEXT, f"{new} hello".encode())
    units = f"live-web@{old}.*"
    eventually(lambda: not host.run("systemctl list-units --plain --no-legend %s", units).stdout)


def when_switched(address, old):
    """A thread that looks for the first answer of another release; `seconds` are two times, the switch is between."""

    def watch():
        visitor, before = Visitor(address, NAME), time.monotonic()
        asked = before
        while visitor.get("/").json()["release"] == old:
            before = asked
            time.sleep(0.1)
            asked = time.monotonic()
        thread.seconds.append((before, time.monotonic()))

    thread = threading.Thread(target=watch, daemon=True)
    thread.seconds = []
    thread.start()
    return thread

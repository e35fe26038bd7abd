# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request one page of a release on its own socket, as nginx passes on the request of a visitor who uses HTTPS."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue

# The part of a page that is read. The references to stylesheets and scripts are usually at its beginning.
MAX_BODY_BYTES = 512 * 1024
# Characters of an error, which can quote a whole line of the answer.
MAX_PROBLEM = 200


@dataclass(frozen=True)
class Answer:
    """The answer to a request; *status* is 0 where there is none, and then *problem* says why."""

    status: int
    location: str = ""
    content_type: str = ""
    body: str = ""
    cookies: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def get(path: str, host: str, unix_socket: str, cookies: Mapping[str, str], seconds: float) -> Answer:
    """Return the answer to a GET of *path* (with its query), within *seconds*."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    # The timeout of a socket applies to each part of an answer, and an app can send an endless one.
    threading.Thread(target=lambda: answers.put(_ask(path, host, unix_socket, cookies, seconds)), daemon=True).start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        return Answer(0, problem=f"does not answer within {seconds:.0f} s")


def _ask(path: str, host: str, unix_socket: str, cookies: Mapping[str, str], seconds: float) -> Answer:
    connection = http.client.HTTPConnection("localhost", timeout=seconds)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(seconds)
        connection.sock.connect(unix_socket)
        connection.putrequest("GET", path, skip_host=True)
        for name, value in _headers(host, cookies).items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read(MAX_BODY_BYTES).decode("utf-8", errors="replace")
        pairs = (line.partition(";")[0].partition("=") for line in response.headers.get_all("Set-Cookie") or ())
        return Answer(
            response.status,
            response.getheader("Location") or "",
            (response.getheader("Content-Type") or "").partition(";")[0].strip().lower(),
            body,
            tuple((name.strip(), value) for name, _equals, value in pairs),
        )
    # http.client raises many exceptions when a connection ends, and for what cannot be sent.
    except Exception as error:
        return Answer(0, problem=f"gives no answer: {str(error)[:MAX_PROBLEM] or type(error).__name__}")
    finally:
        connection.close()


def _headers(host: str, cookies: Mapping[str, str]) -> dict[str, str]:
    found = {
        "Host": host,
        "User-Agent": "gatehouse",
        "Accept": "text/html,*/*",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "127.0.0.1",
        "Connection": "close",
    }
    if cookies:
        found["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return found

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection of http.client with one time limit for all that it sends and receives.

The time limit of a socket is one for each read: a server that sends a byte now and then would never reach it.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class BoundedSocket:
    """What http.client needs of a socket. After *deadline*, of time.monotonic(), each read raises TimeoutError."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def sendall(self, data: bytes) -> None:
        """Send the bytes."""
        self._sock.settimeout(left(self._deadline))
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the server sends."""
        return io.BufferedReader(_Received(self._sock, self._deadline))

    def close(self) -> None:
        """Keep the socket open: http.client closes it before it reads the body."""


class _Received(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(left(self._deadline))
        return self._sock.recv_into(buffer)


def left(deadline: float) -> float:
    """The seconds until then; raise TimeoutError if there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds

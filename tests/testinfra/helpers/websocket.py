"""Just enough of a websocket client (RFC 6455) to hold a conversation."""

import base64
import hashlib
import os
import socket
import struct

TEXT, BINARY, CLOSE = 1, 2, 8
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Websocket:
    """The handshake, and what follows if it was accepted: `status` tells."""

    def __init__(self, address, name, path, port=80, context=None):
        self.connection = socket.create_connection((address, port), timeout=20)
        if context:
            self.connection = context.wrap_socket(self.connection, server_hostname=name)
        self.reader = self.connection.makefile("rb")
        host = name if port in (80, 443) else f"{name}:{port}"
        key = base64.b64encode(os.urandom(16)).decode()
        handshake = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        handshake += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nOrigin: http://{name}\r\n\r\n"
        self.connection.sendall(handshake.encode())
        self.status = int(self.reader.readline().split()[1])
        lines = iter(self.reader.readline, b"\r\n")
        headers = dict(line.decode().rstrip().lower().split(": ", 1) for line in lines)
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
            assert headers["sec-websocket-accept"] == accept.lower()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.reader.close()
        self.connection.close()

    def send(self, kind, payload):
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | length)
        elif length < 65536:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, length)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.connection.sendall(head + mask + masked)

    def receive(self):
        first, length = self.reader.read(2)
        if length == 126:
            (length,) = struct.unpack("!H", self.reader.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.reader.read(8))
        return first & 0x0F, self.reader.read(length)

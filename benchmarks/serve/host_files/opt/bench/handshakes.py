"""handshakes.py PORT NAME COUNT full|resumed: TLS handshakes one after the other, each with one request."""

import json
import socket
import ssl
import sys
import time

port, name, count, kind = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
REQUEST = f"HEAD /static/small.css HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode()


def handshake(session):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=name, session=session) as secure:
            secure.sendall(REQUEST)
            said = b""
            while part := secure.recv(4096):
                said += part
            return said.startswith(b"HTTP/1.1 200"), secure.session_reused, secure.session


_good, _reused, session = handshake(None)
good = reused = 0
started = time.perf_counter()
for _number in range(count):
    answered, was_reused, newest = handshake(session if kind == "resumed" else None)
    good, reused = good + answered, reused + was_reused
    # TLS 1.3 sessions are for one use (RFC 8446, C.4).
    session = newest
seconds = time.perf_counter() - started
print(json.dumps({"requests": count, "seconds": seconds, "wrong": count - good, "resumed": reused}))

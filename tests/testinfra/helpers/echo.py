"""What nginx sends to an app, byte for byte: a server and Django have defences of their own, which may hide a hole."""

from contextlib import contextmanager

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers

from .hosts import eventually, stopped

# Answers each request with what it was sent.
SERVER = """
import os, socket
if os.path.exists("{path}"):
    os.unlink("{path}")
server = socket.socket(socket.AF_UNIX)
server.bind("{path}")
os.chmod("{path}", 0o666)
server.listen()
while True:
    connection = server.accept()[0]
    sent = connection.recv(65536)
    head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {{len(sent)}}\\r\\nConnection: close\\r\\n\\r\\n"
    connection.sendall(head.encode() + sent)
    connection.close()
"""


def lies(value):
    """Header lines with which a visitor claims *value*: each name that nginx sets or drops, in both spellings."""
    names = (request_headers.SET | request_headers.DROPPED).keys() - {"Host"}
    spellings = {spelling for name in names for spelling in (name, name.replace("-", "_"))}
    return [f"{name}: {value}" for name in sorted({*spellings, "X_Forwarded-For", "X-Forwarded_Proto"})]


@contextmanager
def echoing(host, app):
    """In the place of the app, a server that answers with the bytes of the request."""
    path = f"/srv/{app}/current/web.sock"
    with stopped(host, app):
        host.check_output("systemd-run --quiet --unit=app-echo python3 -c %s", SERVER.format(path=path))
        try:
            eventually(lambda: host.run("ss --no-header --unix --listening | grep %s", path).rc == 0)
            yield
        finally:
            host.check_output("systemctl stop app-echo")


def echoed(answer):
    """The request line and the headers, each as (name, value), of an answer of that server."""
    line, *headers = answer.decode("latin-1").partition("\r\n\r\n")[2].split("\r\n")
    return line, [tuple(header.split(": ", 1)) for header in headers if header]

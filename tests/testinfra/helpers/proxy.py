"""An HTTP proxy on the controller that wants a password, and notes what it was asked for."""

import base64
import http.client
import selectors
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """One connection of a client: GET and POST of a whole URL, or CONNECT for a tunnel."""

    protocol_version = "HTTP/1.1"

    def handle_expect_100(self):
        return True

    def do_GET(self):
        if not self.is_allowed():
            return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
        connection = http.client.HTTPConnection(*self.server.address_of(parts.hostname, parts.port or 80), timeout=60)
        connection.request(self.command, parts._replace(scheme="", netloc="").geturl(), body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def do_CONNECT(self):
        if not self.is_allowed():
            return
        host, _colon, port = self.path.rpartition(":")
        with socket.create_connection(self.server.address_of(host.strip("[]"), int(port)), timeout=60) as upstream:
            self.send_response(200)
            self.end_headers()
            relay(self.connection, upstream)
        self.close_connection = True

    def is_allowed(self):
        self.server.requests.append(f"{self.command} {self.path}")
        if self.headers.get("Proxy-Authorization") == self.server.authorization:
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="lab"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def log_message(self, *_arguments):
        pass


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, user, password, names):
        super().__init__(("0.0.0.0", 0), Handler)
        self.authorization = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        self.names, self.requests = names, []

    def address_of(self, host, port):
        """Where a server is; some names exist only here, as behind a company's proxy."""
        return self.names.get(host, (host, port))


def relay(client, server):
    """Pass on what each end sends until one of them closes."""
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _events in selector.select():
                block = key.fileobj.recv(1 << 16)
                if not block:
                    return
                key.data.sendall(block)


@contextmanager
def served(server):
    """The server, which runs meanwhile."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()

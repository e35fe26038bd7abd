"""HTTPS as a visitor speaks it: to the host's own address, with the site's name in the handshake and in the request."""

import http.client
import socket
import ssl
import threading
from contextlib import contextmanager

from .http import Answer

# Longer than a busy disk holds up what is answered at all.
TIMEOUT = 240
# How a client notices that a connection was closed before its request: at reading, at writing, inside of TLS.
CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


def trusting(pem=None):
    """A client that believes the authorities in *pem* alone; without them, each certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if pem is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=pem)
    return context


def connect(address, name, context, port=443):
    """A connection whose handshake is done."""
    connection = socket.create_connection((address, port), timeout=TIMEOUT)
    try:
        return context.wrap_socket(connection, server_hostname=name)
    except BaseException:
        connection.close()
        raise


class Secured(http.client.HTTPSConnection):
    """A connection with the site's name in its handshake, also where http.client connects again by itself: that is so
    after a response with ``Connection: close``, and a worker process of nginx sends it while it shuts down.
    """

    def __init__(self, address, name, context=None):
        super().__init__(address, timeout=TIMEOUT)
        self.name, self.trusted = name, context or trusting()

    def connect(self):
        self.sock = connect(self.host, self.name, self.trusted)


def get(address, name, path, context, method="GET", host=None, **headers):
    """The answer, over a connection of its own; headers are written as keywords, as those of http.Visitor."""
    connection = Secured(address, name, context)
    try:
        more = {key.replace("_", "-").title(): value for key, value in headers.items()}
        connection.request(method, path, headers={"Host": host or name, "Connection": "close", **more})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def certificate(address, name):
    """What the site shows, in DER."""
    with connect(address, name, trusting()) as connection:
        return connection.getpeercert(binary_form=True)


@contextmanager
def visitors(address, name, count=6):
    """Visitors who ask again and again, half of them over a new connection each time: (answers, failures)."""
    stop, answers, failures = threading.Event(), [], []

    def visit(keeps):
        context, connection, closed = trusting(), None, 0
        while not stop.is_set():
            try:
                connection = connection or Secured(address, name, context)
                connection.request("GET", "/", headers={"Host": name, "Connection": "keep-alive"})
                response = connection.getresponse()
                response.read()
                answers.append(response.status)
                if response.status != 200:
                    failures.append(f"status {response.status}")
            except (OSError, http.client.HTTPException) as error:
                # nginx closes a kept connection once at a reload; one that it had taken a request on is another thing.
                closed += keeps and isinstance(error, CLOSED)
                if closed != 1 or not isinstance(error, CLOSED):
                    failures.append(f"{type(error).__name__}: {error}")
                if connection:
                    connection.close()
                connection = None
            if connection and not keeps:
                connection.close()
                connection = None
            stop.wait(0.02)
        if connection:
            connection.close()

    threads = [threading.Thread(target=visit, args=(number % 2 == 0,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answers, failures
    finally:
        stop.set()
        for thread in threads:
            thread.join(TIMEOUT + 5)

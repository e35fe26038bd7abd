"""The world outside, on the host's own loopback: a name server for example.test, and an HTTPS server by its name."""

import http.server
import socket
import ssl
import struct
import threading

ADDRESS = "127.0.0.53"
NOT_MINE = 5


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"the world outside"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def name_of(question):
    labels = []
    while length := question[0]:
        labels.append(question[1 : 1 + length].decode())
        question = question[1 + length :]
    return ".".join(labels), struct.unpack("!H", question[1:3])[0], question[5:]


def answer(query):
    name, kind, rest = name_of(query[12:])
    question = query[12 : len(query) - len(rest)]
    mine = name.endswith("example.test")
    found = mine and kind == 1
    # A client that is refused here asks the next server.
    flags = 0x8180 | (0 if mine else NOT_MINE)
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 0, 4) + socket.inet_aton(ADDRESS) if found else b""
    return query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0) + question + record


def serve_names():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((ADDRESS, 53))
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query), client)


threading.Thread(target=serve_names, daemon=True).start()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/usr/local/share/ca-certificates/outside.crt", "/etc/ssl/private/outside.key")
web = http.server.ThreadingHTTPServer((ADDRESS, 8443), Page)
web.socket = context.wrap_socket(web.socket, server_side=True)
web.serve_forever()

"""upstream NAME PORT: a server that answers every request with its name and what it was asked.

A query such as ?Set-Cookie=a%3Db names headers of the answer; ?status=404 is its status.
"""

import itertools
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

NAME, PORT = sys.argv[1], int(sys.argv[2])
COUNT = itertools.count()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = dict(parse_qsl(self.path.partition("?")[2]))
        answer = {
            "answered by": f"the upstream {NAME}",
            "number": next(COUNT),
            "path": self.path,
            "headers": dict(self.headers),
            "hosts": self.headers.get_all("Host"),
        }
        body = json.dumps(answer).encode()
        self.send_response(int(wanted.pop("status", "200")))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in wanted.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()

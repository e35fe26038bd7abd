"""A server of Git LFS (its Batch API): files by digest, for a client that `git-lfs-authenticate` has let in."""

import http.server
import json
from pathlib import Path

OBJECTS = Path("/srv/git/lfs")
URL = "http://localhost:8091/"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer((OBJECTS / self.path.rpartition("/")[2]).read_bytes(), "application/octet-stream")

    def do_POST(self):
        if self.headers["Authorization"] != "let-me-in":
            self.send_error(403)
            return
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        objects = [{**one, "actions": {"download": {"href": URL + one["oid"]}}} for one in asked["objects"]]
        body = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self.answer(body, "application/vnd.git-lfs+json")

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", 8091), Handler).serve_forever()

"""A server of git over HTTP on the controller, with a token for each repository."""

import base64
import os
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers with `git http-backend`, a CGI program."""

    def do_GET(self):
        parts = urlsplit(self.path)
        user_and_token = self.server.tokens.get(parts.path.split("/")[1])
        expected = base64.b64encode(str(user_and_token).encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        variables = {
            **{"GIT_PROJECT_ROOT": self.server.directory, "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command},
            **{"PATH_INFO": parts.path, "QUERY_STRING": parts.query, "REMOTE_USER": "lab"},
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        done = subprocess.run(command, input=body, env=os.environ | variables, capture_output=True, check=True)
        head, _blank, content = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_arguments):
        pass


class GitServer(ThreadingHTTPServer):
    """Serves the repositories in *directory*; *tokens* are user:token by the name of a repository."""

    daemon_threads = True

    def __init__(self, directory, tokens):
        super().__init__(("127.0.0.1", 0), Handler)
        self.directory, self.tokens = str(directory), tokens

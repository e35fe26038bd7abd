"""HTTP as a visitor speaks it: to the host's own address, with the site's name in the Host header."""

import http.client
import json
import re
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

# Longer than a busy disk may hold nginx up, which writes its error log before it answers.
TIMEOUT = 60


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def title(self):
        found = re.search(r"<title>\s*(.*?)\s*</title>", self.text, re.DOTALL)
        return found.group(1) if found else None

    def csrf_token(self):
        return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.text).group(1)


class Visitor:
    """A client of one site. It keeps cookies as a browser does: those marked Secure never go out over plain HTTP."""

    def __init__(self, address, name, port=80):
        self.address, self.name, self.port = address, name, port
        self.cookies = {}

    def request(self, method, path, headers=None, body=None, host=None):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=TIMEOUT)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": host or self.name, **(headers or {})}
            if self.cookies:
                sent["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
            if body is not None:
                sent["Content-Length"] = str(len(body))
            for key, value in sent.items():
                connection.putheader(key, value)
            connection.endheaders(body)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        self._keep_cookies(answer)
        return answer

    def get(self, path, **headers):
        """GET with headers written as keywords: if_none_match=... is sent as If-None-Match."""
        return self.request("GET", path, {key.replace("_", "-").title(): value for key, value in headers.items()})

    def head(self, path, **headers):
        return self.request("HEAD", path, {key.replace("_", "-").title(): value for key, value in headers.items()})

    def submit(self, path, fields, files=None):
        """Send a form the way a browser does, with the Origin that it saw in its address bar."""
        if files:
            content_type, body = multipart(fields, files)
        else:
            content_type, body = "application/x-www-form-urlencoded", urlencode(fields).encode()
        return self.request("POST", path, {"Content-Type": content_type, "Origin": f"http://{self.name}"}, body)

    def log_in(self, path, user, password):
        """Through the login form; the answer is a redirect for the right password."""
        token = self.get(path).csrf_token()
        fields = {"username": user, "password": password, "csrfmiddlewaretoken": token, "next": "/admin/"}
        return self.submit(path, fields)

    def _keep_cookies(self, answer):
        for line in answer.headers.get_all("Set-Cookie", []):
            for key, morsel in SimpleCookie(line).items():
                if not morsel["secure"]:
                    self.cookies[key] = morsel.value


def multipart(fields, files):
    """fields: {name: text}, files: {name: (filename, content_type, bytes)}"""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, content_type, content) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts.append(f"{head}Content-Type: {content_type}\r\n\r\n".encode() + content + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def raw(address, request, port=80):
    """Everything that comes back for these bytes until the server closes or resets the connection."""
    answer = b""
    with socket.create_connection((address, port), timeout=TIMEOUT) as connection, suppress(ConnectionResetError):
        connection.sendall(request)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer

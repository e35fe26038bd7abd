"""A package index with a password: `index.py PORT FILE`, where FILE has `user:password`. It has one package, twice."""

import base64
import io
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXPECTED = f"Basic {base64.b64encode(Path(sys.argv[2]).read_bytes()).decode()}"


def wheel(version):
    """The same bytes each time: a lock has their digest."""
    place = f"gatehouse_private-{version}.dist-info"
    files = {
        "gatehouse_private.py": f'VERSION = "{version}"\n',
        f"{place}/METADATA": f"Metadata-Version: 2.1\nName: gatehouse-private\nVersion: {version}\n",
        f"{place}/WHEEL": "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{place}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{place}/RECORD"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return content.getvalue()


WHEELS = {f"gatehouse_private-{version}-py3-none-any.whl": wheel(version) for version in ("1.0", "2.0")}
PAGE = "".join(f'<a href="{name}">{name}</a>' for name in WHEELS).encode()


class Index(BaseHTTPRequestHandler):
    def do_GET(self):
        known = {
            "/simple/gatehouse-private/": PAGE,
            **{f"/simple/gatehouse-private/{name}": WHEELS[name] for name in WHEELS},
        }
        allowed = self.headers.get("Authorization") == EXPECTED
        content = known.get(self.path, b"") if allowed else b""
        self.send_response((200 if content else 404) if allowed else 401)
        if not allowed:
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
        self.send_header("Content-Type", "text/html" if content == PAGE else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Index).serve_forever()

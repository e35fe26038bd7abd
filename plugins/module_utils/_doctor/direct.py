# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the application itself, without nginx, as one of nginx's workers would: what nginx dropped is seen here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import sent_headers
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import pass_directive
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import modifier

SECONDS = 10
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
# It prints the status, the bytes of the header and the size of each cookie, and never a value.
PROGRAM = """
import json, socket, sys
given = json.load(sys.stdin)
unix = given["address"].startswith("unix:")
with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as client:
    client.settimeout(float(given["seconds"]))
    name, _colon, port = given["address"].rpartition(":")
    client.connect(given["address"][5:] if unix else (name, int(port)))
    client.sendall(given["request"].encode("latin-1", "replace"))
    data = b""
    while b"\\r\\n\\r\\n" not in data and len(data) < 1 << 20:
        chunk = client.recv(65536)
        if not chunk:
            break
        data += chunk
head = data.partition(b"\\r\\n\\r\\n")[0]
lines = head.split(b"\\r\\n")
cookies = {}
for line in lines[1:]:
    key, _colon, value = line.partition(b":")
    if key.strip().lower() == b"set-cookie":
        name = value.partition(b"=")[0].strip().decode("ascii", "replace")[:100]
        cookies[name] = cookies.get(name, 0) + len(line) + 2
print(json.dumps({"status": lines[0].decode("ascii", "replace")[:100], "size": len(head) + 4, "cookies": cookies}))
"""


@dataclass(frozen=True)
class Header:
    """The header of an application's answer: its first line, its bytes, and those of each cookie by name."""

    status: str
    size: int
    cookies: Mapping[str, int] = field(default_factory=dict)


def read_header(visit: Visit, address: str) -> Header | None:
    """Send the last request of *visit* to *address* and return the header of the answer, None without one."""
    host = visit.host
    request = {"address": address, "seconds": SECONDS, "request": text_of(visit)}
    argv = ["timeout", str(SECONDS + 5), *host.as_worker(), sys.executable, "-I", "-c", PROGRAM]
    code, out, _err = host.run(argv, data=json.dumps(request).encode(), binary_data=True)
    try:
        answer = json.loads(out) if code == 0 else {}
        return Header(answer["status"], answer["size"], answer["cookies"]) if answer["status"] else None
    except (ValueError, KeyError, TypeError):
        return None


def text_of(visit: Visit) -> str:
    """The request as nginx passes it on, with the cookies that the visitor has by then."""
    request = visit.request
    headers = {"Host": upstream_name(visit), **dict(sent_headers(visit.location))}
    known = {
        "host": request.name,
        "http_host": request.host,
        "scheme": request.scheme,
        "server_name": request.name,
        "server_port": request.port,
        "remote_addr": visit.answer.client,
        "proxy_add_x_forwarded_for": visit.answer.client,
        "proxy_host": upstream_name(visit),
        "gatehouse_port": "" if request.port in ("80", "443") else f":{request.port}",
    }
    lines = [f"GET {passed_path(visit, request)} HTTP/1.0"]
    for name, value in {**headers, "Connection": "close"}.items():
        unknown = [one for one in VARIABLE.findall(value) if one not in known]
        text = VARIABLE.sub(lambda found: known.get(found[1], ""), value)
        if text and not unknown:
            lines.append(f"{name}: {text}")
    cookies = {name: value for step in visit.steps[:-1] for name, value in map(_pair, step.answer.cookies)}
    lines += [f"Cookie: {'; '.join(f'{name}={value}' for name, value in cookies.items())}"] if cookies else []
    return "\r\n".join([*("".join(filter(str.isprintable, line)) for line in lines), "", ""])


def upstream_name(visit: Visit) -> str:
    """What nginx sends as Host where no proxy_set_header says otherwise."""
    passing = pass_directive(visit.location)
    target = (passing.args[0] if passing and passing.args else "").partition("://")[2]
    return "localhost" if target.startswith("unix:") else target.partition("/")[0]


def passed_uri(visit: Visit) -> str:
    """The URI of proxy_pass, which takes the place of the location's prefix; empty for none."""
    target = (visit.pass_directive.args[0] if visit.pass_directive and visit.pass_directive.args else "").partition(
        "://"
    )[2]
    if target.startswith("unix:"):
        return target[5:].partition(":")[2]
    slash = target.find("/")
    return target[slash:] if slash >= 0 else ""


def passed_path(visit: Visit, request: Request) -> str:
    """The path that the application gets for *request*."""
    uri, (kind, prefix) = passed_uri(visit), modifier(visit.location)
    if uri and kind in ("", "^~") and request.sent_path.startswith(prefix):
        return uri + request.sent_path[len(prefix) :]
    return request.sent_path


def _pair(cookie: str) -> tuple[str, str]:
    name, _equals, value = cookie.partition("=")
    return name, value

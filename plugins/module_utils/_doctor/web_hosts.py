# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts behind a balancer: asks each of them for a page, as nginx does, and says what is wrong with it."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from ansible_collections.gatehouse.django.plugins.module_utils._core import verified
from ansible_collections.gatehouse.django.plugins.module_utils._core.bounded import BoundedSocket, left
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.upstream import (
    proxy_locations,
    upstream_addresses,
    upstream_name,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.routing import listens, modifier

# Seconds. The connection: that of nginx. The answer: a page of an app, and all hosts are asked at once.
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 15.0
CONCURRENT_HOSTS = 16
SILENT = "it does not answer in time"
# What templates/site.conf.j2 sends to web hosts, and names no release where the balancer expects none.
RELEASE = "X-Gatehouse-Release"
AGAIN = "@gatehouse_doctor"
ANY = "any"


@dataclass(frozen=True)
class Page:
    """A page of a site on a balancer, and the hosts that can be asked for it."""

    site: str
    name: str
    path: str
    tls: bool
    addresses: tuple[str, ...]
    # The release that they have to serve, several with + between them, empty if the balancer expects none.
    release: str
    # With TLS between them: the file with the authorities that the balancer believes, and the name in the certificates.
    authorities: str = ""
    certified: str = ""


@dataclass(frozen=True)
class Answer:
    """What a web host answers. The status is 0 where there is no answer, and *reason* says why."""

    address: str
    status: int
    # Whether nginx on the web host gives the request back, for the balancer to ask another host.
    is_given_back: bool = False
    reason: str = ""
    # Whether there is no TLS with it.
    is_distrusted: bool = False

    @property
    def is_of_app(self) -> bool:
        """Whether the app itself has answered, if with an error."""
        return bool(self.status) and not self.is_given_back and self.status not in (502, 504)


def page_of(server: Directive, location: Directive, path: str, *, tls: bool) -> Page | None:
    """The page at *path*, which *location* passes to hosts of a fleet; None if it does not."""
    sent = [one.args[1:] for one in location.children("proxy_set_header") if one.args[:1] == (RELEASE,)]
    if not sent or sent[0] in ((), ("",)):
        return None
    root = location.own("root")
    linked = os.path.basename(os.path.realpath(root.args[0])) if root and root.args else ANY
    release = "" if linked == ANY else linked
    name = sites.visitor_name(server)
    addresses = tuple(upstream_addresses(location))
    trust = (_value(location, "proxy_ssl_trusted_certificate"), _value(location, "proxy_ssl_name"))
    return Page(sites.title(server), name, path, tls, addresses, release, *trust) if name and addresses else None


def _value(location: Directive, name: str) -> str:
    found = location.own(name)
    return found.args[0] if found and found.args else ""


def examine(host: Host, page: Page) -> list[Finding]:
    """Ask all hosts of *page*; return a finding for each one that does not serve it, the same to each caller."""
    if page not in host.web_hosts:
        with ThreadPoolExecutor(CONCURRENT_HOSTS) as pool:
            answers = list(pool.map(lambda address: ask(page, address), page.addresses))
        host.web_hosts[page] = list(_findings(host, page, answers))
    return host.web_hosts[page]


def _findings(host: Host, page: Page, answers: Sequence[Answer]) -> Iterator[Finding]:
    wrong = [answer for answer in answers if not answer.status or answer.status >= 500]
    others = f"{len(answers) - len(wrong)} of {len(answers)} hosts serve it"
    for answer in wrong:
        name = host.names.get(answer.address.rpartition(":")[0].strip("[]"), "")
        title = f"{name} ({answer.address})" if name else answer.address
        limit = f" -l '{name}'" if name else f" on {answer.address}"
        if not answer.status:
            cause = f"Web host {title} gives no answer to this balancer: {answer.reason}"
            found = f"`ansible-playbook gatehouse.django.doctor{limit}` says what it lacks"
            exchange = "`ansible-playbook gatehouse.django.site`, without -l, lets all hosts exchange certificates"
            start = f"Start the host and its nginx; {found}"
            if answer.reason == SILENT:
                port = answer.address.rpartition(":")[2]
                start = f"{start}. If it lacks nothing, let its port {port} through firewalls to this balancer"
            remedy = exchange if answer.is_distrusted else start
        elif answer.is_given_back:
            wanted = page.release.replace("+", " or ")
            expected = f" another release than {wanted}, which this balancer expects, or" if wanted else ""
            cause = f"Web host {title} passes requests back to this balancer: it serves{expected} none at all"
            remedy = (
                f"`ansible-playbook gatehouse.django.doctor{limit}` says what it lacks; "
                "`ansible-playbook gatehouse.django.site` deploys the release"
            )
        else:
            cause = f"Web host {title} answers {answer.status} for {page.path} itself"
            remedy = f"`ansible-playbook gatehouse.django.doctor{limit}` says why"
        yield Finding(page.site, f"{cause}. {others}.", f"{remedy}.", host=name)


def page_of_group(main: Directive, name: str) -> Page | None:
    """The first page that the upstream *name* of the configuration *main* is asked for; None without one.

    Only hosts with an app of role django_app are asked in the way of a page.
    """
    found = [
        (path, location, listen)
        for listen in listens(main)
        for location in proxy_locations(listen.server)
        for kind, path in [modifier(location)]
        if kind in ("", "^~") and upstream_name(location) == name
    ]
    for path, location, listen in sorted(found, key=lambda one: len(one[0])):
        if page := page_of(listen.server, location, path, tls=listen.tls):
            return page
    return None


def ask(page: Page, address: str) -> Answer:
    """Ask the web host at *address* for the page, as nginx does."""
    name, _colon, port = address.rpartition(":")
    deadline = time.monotonic() + ANSWER_SECONDS
    connection = http.client.HTTPConnection(name.strip("[]"), int(port))
    try:
        with _connect(page, (name.strip("[]"), int(port))) as sock:
            connection.sock = cast("socket.socket", BoundedSocket(sock, deadline))
            sock.settimeout(left(deadline))
            connection.putrequest("GET", page.path, skip_host=True)
            for header in _headers(page, sock.getsockname()[0]):
                connection.putheader(*header)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(address, response.status, response.getheader("X-Accel-Redirect") == AGAIN)
    except TimeoutError:
        return Answer(address, 0, reason=SILENT)
    except ssl.SSLError as error:
        return Answer(address, 0, reason=verified.explain(error), is_distrusted=True)
    except ConnectionRefusedError:
        return Answer(address, 0, reason="nothing listens there")
    except (ConnectionResetError, BrokenPipeError):
        # Also http.client.RemoteDisconnected: the kernel resets a connection that is closed before all is read.
        reason = "its nginx closes the connection, so it knows neither this balancer's address nor the site"
        return Answer(address, 0, reason=reason)
    except (OSError, http.client.HTTPException) as error:
        return Answer(address, 0, reason=str(getattr(error, "strerror", None) or error or type(error).__name__))


def _connect(page: Page, place: tuple[str, int]) -> socket.socket:
    """Connect to a web host as nginx does."""
    if page.authorities:
        return verified.connect(place, page.certified, cafile=page.authorities, timeout=CONNECT_SECONDS)
    return socket.create_connection(place, timeout=CONNECT_SECONDS)


def _headers(page: Page, own: str) -> Iterator[tuple[str, str]]:
    yield "Host", page.name
    yield "User-Agent", "gatehouse-doctor"
    yield "Connection", "close"
    yield "X-Forwarded-For", own
    yield "X-Forwarded-Proto", "https" if page.tls else "http"
    yield "X-Gatehouse-Again", AGAIN
    if page.release:
        # nginx sends the path of a directory with this name (templates/http.conf.j2).
        yield RELEASE, f"/{page.release}"

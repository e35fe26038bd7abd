# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request headers that nginx sets, and those that it drops because a program behind it trusts them.

Only a proxy has a reason to send them. Servers and Django read a header's name as CGI does: `Remote-User` and
`REMOTE_USER` are both `HTTP_REMOTE_USER`. nginx drops names with an underscore by default, but not with
`underscores_in_headers on`; so nginx drops each header in both spellings. To pass one on, an operator sets it in the
snippet of a location.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

# The visitor's address and the requested URL. gatehouse_server.py of the role django_app reads all but the last.
SET: dict[str, str] = {
    "Host": "$host$gatehouse_port",
    "X-Forwarded-For": "$remote_addr",
    "X-Forwarded-Proto": "$scheme",
    "X-Request-ID": "$request_id",
}

# A balancer names in it the location to which a host gives back a request that it cannot serve
# (plugin_utils/_nginx/templates/again.conf.j2). The application does not get it.
AGAIN = "X-Gatehouse-Again"

# A balancer names in it the release that it expects of a host. The application does not get it.
RELEASE = "X-Gatehouse-Release"

# Headers with the visitor's address, with the programs that read them.
ADDRESS: dict[str, str] = {
    "Forwarded": "hypercorn's ProxyFixMiddleware, python-ipware",
    "Forwarded-For": "python-ipware",
    "X-Forwarded": "python-ipware",
    "X-Original-Forwarded-For": "projects that ran behind ingress-nginx",
    "X-Real-IP": "Tornado, sentry-sdk, python-ipware, daphne's --proxy-headers-host",
    "Remote-Addr": "projects that take HTTP_REMOTE_ADDR for REMOTE_ADDR; gunicorn's forwarder_headers, if named there",
    "Client-IP": "python-ipware",
    "X-Client-IP": "python-ipware, django-ratelimit's RATELIMIT_IP_META_KEY",
    "X-Cluster-Client-IP": "python-ipware",
    "True-Client-IP": "python-ipware",
    "CF-Connecting-IP": "python-ipware, django-allauth's ALLAUTH_TRUSTED_CLIENT_IP_HEADER",
    "Fastly-Client-IP": "python-ipware",
    "Fly-Client-IP": "python-ipware",
    "DO-Connecting-IP": "python-ipware",
    "X-AppEngine-User-IP": "python-ipware",
    "X-Azure-ClientIP": "python-ipware",
    "X-Envoy-External-Address": "python-ipware",
}

# Headers with scheme, host, port and path of the requested URL.
TARGET: dict[str, str] = {
    "X-Forwarded-Protocol": "gunicorn's secure_scheme_headers",
    "X-Forwarded-Ssl": "gunicorn's secure_scheme_headers",
    "X-Forwarded-Scheme": "SECURE_PROXY_SSL_HEADER of projects",
    "X-Scheme": "Tornado",
    "X-Url-Scheme": "wsgi.py of projects, SECURE_PROXY_SSL_HEADER",
    "Front-End-Https": "SECURE_PROXY_SSL_HEADER of projects",
    "CloudFront-Forwarded-Proto": "SECURE_PROXY_SSL_HEADER of projects",
    "X-Forwarded-Host": "Django's USE_X_FORWARDED_HOST, werkzeug's ProxyFix",
    "X-Forwarded-Server": "MultipleProxyMiddleware, in Django's documentation of get_host()",
    "X-Host": "CamCOPS",
    "X-Original-Host": "middleware of projects",
    "X-Forwarded-Port": "Django's USE_X_FORWARDED_PORT, werkzeug's ProxyFix, django-auditlog",
    "X-Forwarded-Prefix": "werkzeug's ProxyFix",
    "X-Forwarded-Path": "wsgi.py of projects",
    "X-Forwarded-URI": "wsgi.py of projects",
    "X-Original-URL": "wsgi.py of projects, rewriting modules of IIS",
    "X-Original-URI": "wsgi.py of projects",
    "X-Rewrite-URL": "wsgi.py of projects, rewriting modules of IIS",
    "X-Script-Name": "Tandoor, klaus",
    "Script-Name": "gunicorn's forwarder_headers, as SCRIPT_NAME",
    "Path-Info": "gunicorn's forwarder_headers, as PATH_INFO",
}

# Headers with the visitor's identity.
IDENTITY: dict[str, str] = {
    "Remote-User": "NetBox's REMOTE_AUTH_HEADER, paperless-ngx, RemoteUserMiddleware of projects",
    "Remote-User-Group": "NetBox's REMOTE_AUTH_GROUP_HEADER",
    "Remote-User-Email": "NetBox's REMOTE_AUTH_USER_EMAIL",
    "Remote-User-First-Name": "NetBox's REMOTE_AUTH_USER_FIRST_NAME",
    "Remote-User-Last-Name": "NetBox's REMOTE_AUTH_USER_LAST_NAME",
    "Remote-Groups": "RemoteUserMiddleware of projects behind Authelia",
    "Remote-Email": "RemoteUserMiddleware of projects behind Authelia",
    "Remote-Name": "RemoteUserMiddleware of projects behind Authelia",
    "AuthUser": "RemoteUserMiddleware, in the example of Django's documentation",
    "X-Remote-User": "RemoteUserMiddleware of projects",
    "X-Forwarded-User": "RemoteUserMiddleware of projects behind oauth2-proxy",
    "X-Forwarded-Email": "the same; Healthchecks' REMOTE_USER_HEADER",
    "X-Forwarded-Groups": "projects behind oauth2-proxy",
    "X-Forwarded-Preferred-Username": "projects behind oauth2-proxy",
    "X-Auth-Request-User": "projects behind oauth2-proxy",
    "X-Auth-Request-Email": "projects behind oauth2-proxy",
    "X-Auth-Request-Groups": "projects behind oauth2-proxy",
    "X-Auth-Request-Preferred-Username": "projects behind oauth2-proxy",
    "X-SSL-Client-Verify": "projects that log in with client certificates",
    "X-SSL-Client-S-DN": "Zentral",
    "X-SSL-Client-Cert": "projects that log in with client certificates",
}

OTHER: dict[str, str] = {
    "X-Accel-Redirect": "nginx, if an app copies request headers into its response",
    "Proxy": "HTTP clients in CGI programs, as HTTP_PROXY (httpoxy)",
}

DROPPED: dict[str, str] = ADDRESS | TARGET | IDENTITY | OTHER


def sent() -> list[tuple[str, str]]:
    """Each header with the value that nginx sets, empty for a dropped header."""
    names = [name for header in SET for name in _spellings(header)]
    names += [spelling for name in DROPPED for spelling in dict.fromkeys((name, name.replace("-", "_")))]
    return [*SET.items(), *((name, "") for name in names if name not in SET)]


def of_visitor(scheme: str, port: str, address_header: str | None) -> list[tuple[str, str]]:
    """The headers that a site behind another server sets itself: *scheme* and *port* are variables of nginx.

    nginx has read the visitor's address from *address_header*, so it drops that header.
    """
    known = {name.lower() for name, _value in sent()}
    spellings = (address_header, address_header.replace("-", "_")) if address_header else ()
    dropped = [(name, "") for name in dict.fromkeys(spellings) if name.lower() not in known]
    return [("Host", f"$host{port}"), ("X-Forwarded-Proto", scheme), *dropped]


def _spellings(name: str) -> Iterator[str]:
    """All spellings of a header that nginx sets: a client must not add a second value with another spelling."""
    parts = name.split("-")
    for separators in product("-_", repeat=len(parts) - 1):
        yield "".join(part + separator for part, separator in zip(parts, [*separators, ""], strict=True))

"""Each mismatch of a project's settings with its site is a finding with the line to add."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.compare import compare
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.comparison import (
    Comparison,
    visitor_names,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project

NAME = "shop.example.com"
# The defaults of django.conf.global_settings; role django_app sets the header.
VALUES = {
    "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
    "SECURE_SSL_REDIRECT": False,
    "SECURE_SSL_HOST": None,
    "ALLOWED_HOSTS": [NAME],
    "DEBUG": False,
    "USE_X_FORWARDED_HOST": False,
    "CSRF_TRUSTED_ORIGINS": [],
    "CSRF_COOKIE_SECURE": False,
    "CSRF_USE_SESSIONS": False,
    "SESSION_COOKIE_SECURE": False,
    "MIDDLEWARE": [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    "INSTALLED_APPS": ["django.contrib.staticfiles"],
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 2621440,
    "STATIC_URL": "/static/",
    "STATIC_ROOT": "/srv/shop/releases/1/static",
    "MEDIA_URL": "/media/",
    "MEDIA_ROOT": "/srv/shop/data/media",
}
SECURE = {"SECURE_SSL_REDIRECT": True, "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}
WHERE = "/etc/nginx/conf.d/shop.conf:7"
RELOAD = ", then `systemctl reload nginx`."
SITE = AppSite(NAME, (NAME,), True, "443", (), 20 << 20, "shop", where=WHERE)
PLAIN = replace(SITE, tls=False, port="80")


def findings(site=SITE, secure=(), inventory=(), server_knows_scheme=True, **values):
    project = Project(VALUES | values, "shop.settings", frozenset(inventory), server_knows_scheme)
    return compare(Comparison(project, site, secure))


def only(found):
    (finding,) = found
    assert finding.site == NAME
    return finding.cause, finding.remedy


@pytest.mark.parametrize("values", [{}, SECURE, {"SECURE_PROXY_SSL_HEADER": None}, {"ALLOWED_HOSTS": ["*"]}])
def test_no_finding_behind_tls(values):
    assert findings(**values) == []


def test_no_finding_without_tls():
    assert findings(PLAIN) == []


@pytest.mark.parametrize(
    ("values", "consequence"),
    [
        ({}, "Django answers 403 (CSRF) to each form"),
        ({"SECURE_SSL_REDIRECT": True}, "SECURE_SSL_REDIRECT redirects each request to itself in a loop"),
        ({"CSRF_TRUSTED_ORIGINS": [f"https://{NAME}"]}, "its links begin with http://"),
        ({"MIDDLEWARE": [], "SECURE_SSL_REDIRECT": True}, "its links begin with http://"),
    ],
)
def test_a_header_with_another_value(values, consequence):
    cause, remedy = only(findings(SECURE_PROXY_SSL_HEADER=["HTTP_X_FORWARDED_PROTO", "on"], **values))
    assert cause == (
        f"Django takes HTTPS for plain HTTP, so {consequence}: SECURE_PROXY_SSL_HEADER expects 'on' in "
        "X-Forwarded-Proto, but nginx sends 'https'."
    )
    assert remedy == "Write in shop.settings: `SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')`."


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (["HTTP_X_FORWARDED_SSL", "on"], "SECURE_PROXY_SSL_HEADER reads X-Forwarded-Ssl, which nginx blanks."),
        (["HTTP_X_SECURE", "on"], "SECURE_PROXY_SSL_HEADER reads X-Secure, which nginx does not send."),
        (["X_SECURE", "on"], "SECURE_PROXY_SSL_HEADER names 'X_SECURE', but the key of a header begins with HTTP_."),
        (None, "SECURE_PROXY_SSL_HEADER is not set."),
    ],
)
def test_a_header_that_nginx_does_not_send_and_a_server_that_does_not_know_the_scheme(header, why):
    cause, _remedy = only(findings(server_knows_scheme=False, SECURE_PROXY_SSL_HEADER=header))
    assert cause.endswith(why)


def test_nginx_that_does_not_send_the_scheme():
    cause, remedy = only(findings(replace(SITE, managed=False, headers=(("Host", "$host"),))))
    assert "reads X-Forwarded-Proto, which nginx does not send" in cause
    assert remedy == f"Write in the location at {WHERE}: `proxy_set_header X-Forwarded-Proto $scheme;`{RELOAD}"


def test_a_name_that_is_not_allowed():
    cause, remedy = only(findings(replace(SITE, names=(NAME, "b.example.com")), ALLOWED_HOSTS=[NAME]))
    assert cause == f"Django answers 400 to each request for b.example.com: ALLOWED_HOSTS is ['{NAME}']."
    assert remedy == f"Write in shop.settings: `ALLOWED_HOSTS = ['{NAME}', 'b.example.com']`."


def test_a_setting_of_the_inventory():
    _cause, remedy = only(findings(inventory=["ALLOWED_HOSTS"], ALLOWED_HOSTS=["other.example.com"]))
    assert remedy == (
        f'Write in the app\'s settings in the inventory: `ALLOWED_HOSTS: ["other.example.com", "{NAME}"]`.'
    )


@pytest.mark.parametrize(
    ("name", "allowed", "missing"),
    [
        ("*.example.org", [".example.org"], None),
        ("*.example.org", ["a.example.org"], None),
        ("*.example.org", ["example.org"], ".example.org"),
        (".example.org", [".example.org"], None),
        (".example.org", ["a.example.org"], "example.org"),
        ("~^shop", ["shop.example.com"], None),
        ("shop.*", ["shop.example.com"], None),
    ],
)
def test_wildcards(name, allowed, missing):
    found = findings(replace(SITE, names=(NAME, name)), ALLOWED_HOSTS=[NAME, *allowed])
    assert [finding.remedy.split("'")[-2] for finding in found] == ([missing] if missing else [])


def test_the_names_of_visitors():
    names = ("A.example.com", "*.b.example.com", ".c.example.com", "_", "~^d", "e.*", "")
    assert visitor_names(replace(SITE, names=names)) == [
        "a.example.com",
        "any.b.example.com",
        "c.example.com",
        "any.c.example.com",
    ]


def test_debug_allows_only_local_names():
    assert only(findings(DEBUG=True, ALLOWED_HOSTS=[]))[0].startswith(f"Django answers 400 to each request for {NAME}")
    local = replace(SITE, names=("app.localhost",))
    assert findings(local, DEBUG=True, ALLOWED_HOSTS=[]) == []


def test_nginx_that_does_not_send_the_host():
    cause, remedy = only(findings(replace(SITE, managed=False, headers=(("X-Forwarded-Proto", "$scheme"),))))
    assert "the name of its upstream as Host" in cause
    assert remedy == f"Write in the location at {WHERE}: `proxy_set_header Host $host;`{RELOAD}"


def test_a_location_in_a_snippet_that_does_not_send_the_host():
    """The file that has it is generated."""
    _cause, remedy = only(findings(replace(SITE, headers=(("X-Forwarded-Proto", "$scheme"),))))
    assert remedy == "Write in `snippet` of the site's entry of django_sites: `proxy_set_header Host $host;`."


def test_nginx_that_does_not_send_the_port():
    site = replace(SITE, port="8443", headers=(("Host", "$host"), ("X-Forwarded-Proto", "$scheme")))
    cause, remedy = only(findings(site))
    assert cause == (
        f"Django answers 403 (CSRF) to each form from https://{NAME}:8443: from the Host that nginx sends it "
        f"derives https://{NAME}, and CSRF_TRUSTED_ORIGINS is []."
    )
    assert remedy == f"Write in shop.settings: `CSRF_TRUSTED_ORIGINS = ['https://{NAME}:8443']`."
    assert findings(site, CSRF_TRUSTED_ORIGINS=["https://*.example.com:8443"]) == []
    assert findings(site, MIDDLEWARE=[]) == []
    assert findings(replace(site, headers=None)) == []


def test_no_finding_about_headers_of_another_proxy():
    headers = (("Host", "$host"), ("X-Forwarded-Proto", "$http_x_forwarded_proto"))
    assert findings(replace(SITE, headers=headers), **SECURE) == []
    assert findings(replace(PLAIN, headers=(("Host", "$host"), ("X-Forwarded-Proto", "https"))), **SECURE) == []


def test_a_redirect_to_missing_https_is_the_only_finding():
    cause, remedy = only(findings(PLAIN, **SECURE))
    assert cause == f"SECURE_SSL_REDIRECT leads to https://{NAME}, but nginx serves that name without TLS only."
    assert "tls: acme" in remedy
    assert "listen 443 ssl" in only(findings(replace(PLAIN, managed=False), **SECURE))[1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"SESSION_COOKIE_SECURE": True}, ["SESSION_COOKIE_SECURE limits", "no login lasts."]),
        ({"CSRF_COOKIE_SECURE": True}, ["CSRF_COOKIE_SECURE limits", "403 (CSRF) to each form."]),
        (SECURE | {"SECURE_SSL_REDIRECT": False}, ["SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE limit ", "lasts and"]),
    ],
)
def test_cookies_that_need_https(values, words):
    cause, remedy = only(findings(PLAIN, **values))
    assert [word for word in words if word not in cause] == []
    assert "tls: acme" in remedy


def test_cookies_without_their_middleware():
    values = {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}
    assert findings(PLAIN, MIDDLEWARE=[], **values) == []
    assert findings(PLAIN, CSRF_COOKIE_SECURE=True, CSRF_USE_SESSIONS=True) == []


def test_the_plain_side_of_a_site_that_has_tls():
    assert findings(PLAIN, secure=[NAME], **SECURE) == []


def test_browsers_trust_localhost_without_tls():
    assert findings(replace(PLAIN, names=("localhost",)), ALLOWED_HOSTS=["*"], SESSION_COOKIE_SECURE=True) == []


def test_a_body_that_nginx_refuses():
    cause, remedy = only(findings(DATA_UPLOAD_MAX_MEMORY_SIZE=50_000_000))
    assert cause == (
        "nginx answers 413 to a request body of more than 20971520 bytes (client_max_body_size), but "
        "DATA_UPLOAD_MAX_MEMORY_SIZE allows 50000000."
    )
    assert remedy == "Write in the site's entry of django_sites: `client_max_body_size: 48m`."
    assert only(findings(replace(SITE, managed=False), DATA_UPLOAD_MAX_MEMORY_SIZE=50_000_000))[1] == (
        f"Write in the location at {WHERE}: `client_max_body_size 48m;`{RELOAD}"
    )


def test_a_body_limit_of_an_app_that_no_remedy_proposes():
    remedy = only(findings(DATA_UPLOAD_MAX_MEMORY_SIZE=1 << 62))[1]
    assert remedy.startswith("Lower the setting, or raise client_max_body_size if")


@pytest.mark.parametrize(
    ("wanted", "limit"), [(None, 1 << 20), (2621440, 1 << 20), (20 << 20, 20 << 20), (50 << 20, 0)]
)
def test_no_finding_about_default_body_limits(wanted, limit):
    assert findings(replace(SITE, client_max_body_size=limit), DATA_UPLOAD_MAX_MEMORY_SIZE=wanted) == []


def test_two_mismatches_are_two_findings():
    found = findings(DATA_UPLOAD_MAX_MEMORY_SIZE=50_000_000, ALLOWED_HOSTS=[])
    assert [finding.cause.split()[0] for finding in found] == ["Django", "nginx"]

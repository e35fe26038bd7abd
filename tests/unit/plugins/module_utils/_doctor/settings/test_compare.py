"""Each mismatch of a project's settings with its site is named with the line to add, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Project
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Served
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.compare import compare, visited

NAME = "shop.example.com"
# Django's own are those of django.conf.global_settings; the header is what role django_app sets.
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
SITE = Served(NAME, (NAME,), True, "443", (), 20 << 20, "shop", where=WHERE)
PLAIN = replace(SITE, tls=False, port="80")


def findings(site=SITE, secure=(), inventory=(), server_knows_scheme=True, **values):
    project = Project(VALUES | values, "shop.settings", frozenset(inventory), server_knows_scheme)
    return compare(project, site, secure)


def only(found):
    (finding,) = found
    assert finding.site == NAME
    return finding.cause, finding.remedy


@pytest.mark.parametrize("values", [{}, SECURE, {"SECURE_PROXY_SSL_HEADER": None}, {"ALLOWED_HOSTS": ["*"]}])
def test_behind_tls_nothing_is_found_where_nothing_is_wrong(values):
    assert findings(**values) == []


def test_without_tls_nothing_is_found_where_nothing_is_wrong():
    assert findings(PLAIN) == []


@pytest.mark.parametrize(
    ("values", "comes_to"),
    [
        ({}, "each form is answered with 403 (CSRF)"),
        ({"SECURE_SSL_REDIRECT": True}, "SECURE_SSL_REDIRECT redirects each request to itself, without end"),
        ({"CSRF_TRUSTED_ORIGINS": [f"https://{NAME}"]}, "its links begin with http://"),
        ({"MIDDLEWARE": [], "SECURE_SSL_REDIRECT": True}, "its links begin with http://"),
    ],
)
def test_a_header_that_waits_for_another_value(values, comes_to):
    cause, remedy = only(findings(SECURE_PROXY_SSL_HEADER=["HTTP_X_FORWARDED_PROTO", "on"], **values))
    assert cause == (
        f"Django takes HTTPS for plain HTTP, so that {comes_to}: SECURE_PROXY_SSL_HEADER waits for 'on' in "
        "X-Forwarded-Proto, and nginx sends 'https'."
    )
    assert remedy == "Write in shop.settings: `SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')`."


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (["HTTP_X_FORWARDED_SSL", "on"], "SECURE_PROXY_SSL_HEADER looks for X-Forwarded-Ssl, which nginx blanks."),
        (["HTTP_X_SECURE", "on"], "SECURE_PROXY_SSL_HEADER looks for X-Secure, which nginx does not send."),
        (["X_SECURE", "on"], "SECURE_PROXY_SSL_HEADER names 'X_SECURE', and the key of a header begins with HTTP_."),
        (None, "SECURE_PROXY_SSL_HEADER is not set."),
    ],
)
def test_a_header_that_is_not_there_and_a_server_that_does_not_know(header, why):
    cause, _remedy = only(findings(server_knows_scheme=False, SECURE_PROXY_SSL_HEADER=header))
    assert cause.endswith(why)


def test_nginx_that_does_not_say_that_it_is_https():
    cause, remedy = only(findings(replace(SITE, headers=(("Host", "$host"),))))
    assert "looks for X-Forwarded-Proto, which nginx does not send" in cause
    assert remedy == f"Write in the location at {WHERE}: `proxy_set_header X-Forwarded-Proto $scheme;`{RELOAD}"


def test_a_name_that_is_not_allowed():
    cause, remedy = only(findings(replace(SITE, names=(NAME, "b.example.com")), ALLOWED_HOSTS=[NAME]))
    assert cause == f"Django answers 400 to each request for b.example.com: ALLOWED_HOSTS is ['{NAME}']."
    assert remedy == f"Write in shop.settings: `ALLOWED_HOSTS = ['{NAME}', 'b.example.com']`."


def test_the_inventory_has_the_last_word():
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


def test_who_visits():
    names = ("A.example.com", "*.b.example.com", ".c.example.com", "_", "~^d", "e.*", "")
    assert visited(replace(SITE, names=names)) == [
        "a.example.com",
        "any.b.example.com",
        "c.example.com",
        "any.c.example.com",
    ]


def test_debug_allows_local_names_alone():
    assert only(findings(DEBUG=True, ALLOWED_HOSTS=[]))[0].startswith(f"Django answers 400 to each request for {NAME}")
    local = replace(SITE, names=("app.localhost",))
    assert findings(local, DEBUG=True, ALLOWED_HOSTS=[]) == []


def test_nginx_that_does_not_pass_the_name_on():
    cause, remedy = only(findings(replace(SITE, headers=(("X-Forwarded-Proto", "$scheme"),))))
    assert "the name of its upstream as Host" in cause
    assert remedy == f"Write in the location at {WHERE}: `proxy_set_header Host $host;`{RELOAD}"


def test_a_port_that_nginx_does_not_pass_on():
    site = replace(SITE, port="8443", headers=(("Host", "$host"), ("X-Forwarded-Proto", "$scheme")))
    cause, remedy = only(findings(site))
    assert cause == (
        f"Django answers 403 (CSRF) to each form from https://{NAME}:8443: from what nginx sends as Host it takes "
        f"itself for https://{NAME}, and CSRF_TRUSTED_ORIGINS is []."
    )
    assert remedy == f"Write in shop.settings: `CSRF_TRUSTED_ORIGINS = ['https://{NAME}:8443']`."
    assert findings(site, CSRF_TRUSTED_ORIGINS=["https://*.example.com:8443"]) == []
    assert findings(site, MIDDLEWARE=[]) == []
    assert findings(replace(site, headers=None)) == []


def test_what_another_proxy_decides_is_not_judged():
    headers = (("Host", "$host"), ("X-Forwarded-Proto", "$http_x_forwarded_proto"))
    assert findings(replace(SITE, headers=headers), **SECURE) == []
    assert findings(replace(PLAIN, headers=(("Host", "$host"), ("X-Forwarded-Proto", "https"))), **SECURE) == []


def test_a_redirect_to_https_that_is_not_there_hides_what_comes_after_it():
    cause, remedy = only(findings(PLAIN, **SECURE))
    assert cause == f"SECURE_SSL_REDIRECT leads to https://{NAME}, and nginx serves that name without TLS only."
    assert "tls: acme" in remedy
    assert "listen 443 ssl" in only(findings(replace(PLAIN, managed=False), **SECURE))[1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"SESSION_COOKIE_SECURE": True}, ["SESSION_COOKIE_SECURE keeps", "no login lasts."]),
        ({"CSRF_COOKIE_SECURE": True}, ["CSRF_COOKIE_SECURE keeps", "403 (CSRF)."]),
        (SECURE | {"SECURE_SSL_REDIRECT": False}, ["SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE keep ", "lasts and"]),
    ],
)
def test_cookies_that_need_https(values, words):
    cause, remedy = only(findings(PLAIN, **values))
    assert [word for word in words if word not in cause] == []
    assert "tls: acme" in remedy


def test_cookies_that_nobody_uses():
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
        "nginx answers 413 to a request body of more than 20971520 bytes (client_max_body_size), and "
        "DATA_UPLOAD_MAX_MEMORY_SIZE is to let 50000000 through."
    )
    assert remedy == "Write in the site's entry of django_sites: `client_max_body_size: 48m`."
    assert only(findings(replace(SITE, managed=False), DATA_UPLOAD_MAX_MEMORY_SIZE=50_000_000))[1] == (
        f"Write in the location at {WHERE}: `client_max_body_size 48m;`{RELOAD}"
    )


@pytest.mark.parametrize(
    ("wanted", "limit"), [(None, 1 << 20), (2621440, 1 << 20), (20 << 20, 20 << 20), (50 << 20, 0)]
)
def test_bodies_that_nobody_has_asked_for(wanted, limit):
    assert findings(replace(SITE, client_max_body_size=limit), DATA_UPLOAD_MAX_MEMORY_SIZE=wanted) == []


def test_two_things_that_are_wrong_are_two_findings():
    found = findings(DATA_UPLOAD_MAX_MEMORY_SIZE=50_000_000, ALLOWED_HOSTS=[])
    assert [finding.cause.split()[0] for finding in found] == ["Django", "nginx"]

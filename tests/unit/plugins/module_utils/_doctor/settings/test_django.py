"""How Django reads a request, by the rules of its own code."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.app_site import AppSite
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings import django
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.forwarded_request import (
    ForwardedRequest,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.settings.project import Project

NAME = "shop.example.com"


def request(headers=None):
    return ForwardedRequest(AppSite(NAME, (NAME,), True, "443", (), 0, "shop", headers=headers), NAME)


def scheme(header, headers=None, server_knows_scheme=True):
    project = Project({"SECURE_PROXY_SSL_HEADER": header}, server_knows_scheme=server_knows_scheme)
    return django.scheme(project, request(headers))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (("HTTP_X_FORWARDED_PROTO", "https"), "https"),
        (["HTTP_X_FORWARDED_PROTO", "https"], "https"),
        # A header that nginx sends decides, whatever the server says.
        (("HTTP_X_FORWARDED_PROTO", "on"), "http"),
        # A header that nginx blanks does not: then the server decides.
        (("HTTP_X_FORWARDED_SSL", "on"), "https"),
        (("X-Forwarded-Proto", "https"), "https"),
        (None, "https"),
        # Django itself refuses to go on.
        (("HTTP_X_FORWARDED_PROTO",), None),
    ],
)
def test_the_scheme_that_django_reads(header, found):
    assert scheme(header) == found


@pytest.mark.parametrize("header", [None, ("HTTP_X_FORWARDED_SSL", "on")])
def test_a_server_that_does_not_know_the_scheme(header):
    assert scheme(header, server_knows_scheme=False) == "http"


def test_nginx_that_does_not_send_the_scheme():
    assert scheme(("HTTP_X_FORWARDED_PROTO", "https"), headers=()) == "http"
    assert scheme(None, headers=(("X-Forwarded-Protocol", "ssl"),)) == "http"


def test_a_header_of_another_proxy_is_unknown():
    headers = (("X-Forwarded-Proto", "$http_x_forwarded_proto"),)
    assert scheme(("HTTP_X_FORWARDED_PROTO", "https"), headers) is None
    assert scheme(None, headers) is None


def test_the_host_that_django_reads():
    project = Project({"USE_X_FORWARDED_HOST": True})
    assert django.host(project, request()) == NAME
    assert django.host(project, request((("Host", "$host"), ("X-Forwarded-Host", "other.example.com")))) == (
        "other.example.com"
    )
    assert django.host(Project({"USE_X_FORWARDED_HOST": False}), request((("Host", "$host:8443"),))) == f"{NAME}:8443"


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        ([NAME], True),
        (["SHOP.example.com"], True),
        ([".example.com"], True),
        ([f".{NAME}"], True),
        (["*"], True),
        (["*.example.com"], False),
        (["example.com", "hop.example.com", ""], False),
        ([], False),
    ],
)
def test_allowed_hosts(patterns, allowed):
    assert django.is_allowed(NAME, patterns) is allowed


@pytest.mark.parametrize(
    ("origins", "trusted"),
    [
        (["https://shop.example.com:8443"], True),
        (["https://*.example.com:8443"], True),
        (["https://shop.example.com"], False),
        (["https://*.example.com"], False),
        (["http://*.example.com:8443"], False),
        (["shop.example.com:8443"], False),
    ],
)
def test_trusted_origins(origins, trusted):
    assert django.is_trusted("https://shop.example.com:8443", origins) is trusted


def test_the_remedy_names_the_place_that_has_an_effect():
    project = Project({}, module="shop.settings", inventory=frozenset({"MEDIA_URL"}))
    assert project.remedy("STATIC_URL", "/static/") == "Write in shop.settings: `STATIC_URL = '/static/'`."
    assert (
        project.remedy("MEDIA_URL", "/media/")
        == 'Write in the app\'s settings in the inventory: `MEDIA_URL: "/media/"`.'
    )


def test_a_class_derived_from_djangos_middleware_counts():
    project = Project({"MIDDLEWARE": ["shop.middleware.CsrfViewMiddleware"]})
    assert (project.checks_forms, project.has_middleware("SecurityMiddleware")) == (True, False)


@pytest.mark.parametrize("value", ["{{ lookup('pipe', 'id') }}", "a`; id; `", "\x1b[2J"])
def test_a_remedy_repeats_no_value_that_an_operator_must_not_write(value):
    """An app chooses its settings, and Ansible runs a template in the inventory on the controller."""
    project = Project({}, "shop`; id; `", frozenset({"ALLOWED_HOSTS"}))
    assert value not in project.remedy("ALLOWED_HOSTS", ["shop.test", value])
    assert project.remedy("MEDIA_URL", "/media/") == "Write in the settings: `MEDIA_URL = '/media/'`."

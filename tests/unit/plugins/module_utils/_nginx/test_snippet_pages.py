"""Error pages of a snippet that nginx ignores, or that end those of Gatehouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import snippet_pages
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import pages, render


def checked(snippet="", of_app=""):
    app = {"path": "/", "proxy_pass": "http://127.0.0.1:8000", "snippet": of_app}
    site = {"name": "shop", "server_name": ["a.example"], "locations": [app], "snippet": snippet}
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"sites": [site]})
    check_sites(result.validated_parameters["sites"])
    return result.validated_parameters["sites"][0]


def test_a_page_for_which_the_site_has_one():
    with pytest.raises(ValueError, match=r"site 'shop': snippet has 'error_page 500 502 /oops\.html'") as refused:
        checked("error_page 500 502 /oops.html;")
    assert "nginx ignores it for 502" in str(refused.value)
    assert "Put your page as 502.html into the directory that option 'pages' names" in str(refused.value)


@pytest.mark.parametrize(
    "snippet",
    [
        *("error_page 404 /404.html;", "error_page 404 =200 @x;", "error_page 500 = /x;"),
        "location /own/ { error_page 502 /x; proxy_pass http://a; }",
    ],
)
def test_other_pages(snippet):
    assert snippet_pages.warnings(checked(snippet)) == []


def test_a_location_whose_snippet_ends_the_pages_of_the_site():
    [warning] = snippet_pages.warnings(checked(of_app="proxy_intercept_errors on; error_page 404 502 /x;"))
    assert warning.startswith(
        "site 'shop', location '/': its snippet has error_page, so nginx uses no other error page"
    )
    assert "add 'error_page 401 403 413 429 503 504 /gatehouse-pages/$status.html;'" in warning
    assert snippet_pages.warnings(checked(of_app=f"error_page {' '.join(snippet_pages.WITH_PAGE)} /x;")) == []


def test_the_statuses_are_those_of_the_template():
    text = (Path(render.__file__).parent / "templates" / "server.conf.j2").read_text()
    assert tuple(re.findall(r"^error_page (\d+) ", text, re.MULTILINE)) == snippet_pages.WITH_PAGE == pages.WITH_DEFAULT

"""What must be true for each project after a reboot of its host."""

import re

import pytest
from helpers.hosts import unit

LOGINS = {"bugsink": "/accounts/login/", "ara": "/admin/login/", "netbox": "/login/"}
# What only its administrator sees.
PAGES = {"bugsink": "/users/", "ara": "/admin/", "netbox": "/user/profile/"}
APPS = list(LOGINS)
PROCESSES = ["bugsink-worker", "netbox-worker"]
# What a program says that the sandbox keeps from something.
DENIED = "Read-only file system|Operation not permitted|Permission denied|Address family not supported"


@pytest.mark.parametrize("app", APPS)
def test_the_project_is_served(host, app, site):
    assert host.service(unit(host, app, "service")).is_running
    assert site(app).get(LOGINS[app]).status == 200


@pytest.mark.parametrize("process", PROCESSES)
def test_the_worker_runs(host, process):
    assert host.service(process).is_enabled
    assert host.service(process).is_running


@pytest.mark.parametrize("app", APPS)
def test_its_administrator_logs_in(site, password, app):
    visitor = site(app)
    assert visitor.log_in(LOGINS[app], "visitor", "wrong").status == 200
    assert visitor.get(PAGES[app]).status == 302
    assert visitor.log_in(LOGINS[app], "visitor", password).status == 302
    page = visitor.get(PAGES[app])
    assert page.status == 200
    assert "visitor" in page.text


@pytest.mark.parametrize("app", APPS)
def test_its_stylesheets_come_from_nginx(host, site, app):
    sheets = re.findall(r'href="(/static/[^"?]+\.css)', site(app).get(LOGINS[app]).text)
    assert sheets
    for sheet in sheets:
        answer = site(app).get(sheet)
        assert answer.status == 200, sheet
        assert answer.body == host.file(f"/srv/{app}/current{sheet}").content, sheet
    # The small ones are not worth it.
    assert "gzip" in [site(app).get(sheet, accept_encoding="gzip").headers["Content-Encoding"] for sheet in sheets]


def test_a_storage_from_the_inventory_gives_hashed_names(site):
    sheets = re.findall(r'href="(/static/[^"?]+\.css)', site("bugsink").get(LOGINS["bugsink"]).text)
    assert sheets
    for sheet in sheets:
        assert re.search(r"\.[0-9a-f]{12}\.css$", sheet)
        assert site("bugsink").get(sheet).headers["Cache-Control"].endswith("immutable")


@pytest.mark.parametrize("app", APPS)
def test_the_sandbox_denied_nothing(host, app):
    said = host.check_output("journalctl --no-pager --output=cat --unit=%s --unit=%s", f"{app}-*", f"{app}-web@*")
    assert said
    assert re.findall(f".*(?:{DENIED}).*", said) == []

"""A host with an nginx that its owner configured: one role was included, and nothing of theirs has changed.

`molecule/existing/files/record` wrote down what was there and what it answered before our role ran.
"""

import re

import pytest
from helpers.hosts import service_stopped
from helpers.http import Visitor

NAMES = ["old", "shop", "unknown"]


@pytest.fixture
def new(address):
    return Visitor(address, "new.example.test")


def lines(text):
    return set(text.splitlines())


def test_every_file_has_the_same_bytes(host):
    assert len(lines(host.file("/root/before.sha256").content_string)) > 10
    compared = host.run("sha256sum --check --quiet /root/before.sha256")
    assert compared.rc == 0, compared.stdout


def test_every_link_has_the_same_target(host):
    before = lines(host.file("/root/before.links").content_string)
    assert any("sites-enabled/shop" in line for line in before)
    now = lines(host.check_output("find /etc/nginx -type l -printf '%p %l\\n'"))
    assert before - now == set()


def test_every_owner_and_mode_is_the_same(host):
    before = lines(host.file("/root/before.modes").content_string)
    now = lines(host.check_output("find /etc/nginx -printf '%p %y %m %u %g\\n'"))
    assert before - now == set()


def test_every_new_file_has_gatehouse_in_its_name(host):
    before = {line.split()[0] for line in lines(host.file("/root/before.modes").content_string)}
    now = lines(host.check_output("find /etc/nginx"))
    assert now - before
    assert [path for path in sorted(now - before) if "gatehouse" not in path] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_answered_as_before(host, name):
    """Asked with the same command, on the host itself; only the time and the number of the request have moved on."""
    page = f"-o /root/after.{name}.body -H Host:{name}.example.test http://127.0.0.1/"
    head = host.check_output(f"curl -sS -D - {page}")
    before = host.file(f"/root/before.{name}.headers").content_string
    assert before.startswith("HTTP/1.1 200")
    assert without_date(head) == without_date(before)
    after, then = (host.file(f"/root/{when}.{name}.body").content for when in ("after", "before"))
    assert without_number(after) == without_number(then)


def without_number(body):
    """The body without what the upstream counts: the doctor has asked it meanwhile."""
    return re.sub(rb'"number": \d+', b"", body)


def without_date(head):
    return [line.strip() for line in head.splitlines() if line.strip() and not line.startswith("Date:")]


def test_existing_sites_answer_visitors(address):
    assert "Here since 1998" in Visitor(address, "old.example.test").get("/").text
    assert "the upstream shop" in Visitor(address, "shop.example.test").get("/").text


def test_an_unknown_name_gets_the_existing_default_server(address):
    assert "Here since 1998" in Visitor(address, "nobody.example.test").get("/").text


def test_the_new_site_proxies_to_the_existing_service(new):
    answer = new.get("/some/path?q=1")
    assert answer.status == 200
    seen = answer.json()
    assert seen["answered by"] == "the upstream plain"
    assert seen["path"] == "/some/path?q=1"
    assert seen["headers"]["Host"] == "new.example.test"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"


def test_the_new_site_drops_forwarding_headers(new):
    answer = new.get("/", x_forwarded_for="203.0.113.7", x_forwarded_host="evil.example.test", x_real_ip="203.0.113.7")
    assert "203.0.113.7" not in answer.text
    assert "evil.example.test" not in answer.text


def test_the_static_files_of_the_new_site_come_from_disk(host, new):
    answer = new.get("/static/style.css")
    assert answer.status == 200
    assert answer.body == host.file("/var/www/plain/static/style.css").content
    assert answer.headers["Content-Type"].split(";")[0] == "text/css"
    assert answer.headers["Cache-Control"] == "no-cache"


def test_without_its_upstream_the_new_site_has_static_files_and_an_error_page(host, new):
    with service_stopped(host, "plain", 8000):
        assert new.get("/static/style.css").status == 200
        page = new.get("/")
    assert (page.status, page.title()) == (502, "Temporarily unavailable")


def test_existing_sites_keep_their_error_pages(host, address):
    shop = Visitor(address, "shop.example.test")
    with service_stopped(host, "shop", 9000):
        page = shop.get("/")
    assert page.status == 502
    assert page.title() == "502 Bad Gateway"


def test_nginx_runs_and_starts_at_boot(host):
    assert host.service("nginx").is_running
    assert host.service("nginx").is_enabled
    tested = host.run("nginx -t")
    assert tested.rc == 0, tested.stderr
    assert "[warn]" not in tested.stderr

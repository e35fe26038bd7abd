"""The two sites of the default scenario."""

import json
import re
import uuid

import pytest
from helpers.hosts import eventually, make_superuser
from helpers.http import Visitor
from helpers.long import share_out_each, take_long_tests, take_one_host

# Units and sandboxes differ with systemd; the others cost next to nothing.
EVERYWHERE = ("test_host.py", "test_sandbox.py", "test_requests.py", "test_static_files.py")
PASSWORD = "correct horse battery staple"


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with GATEHOUSE_LONG")


def pytest_collection_modifyitems(config, items):
    """Each test runs on one host, except those of EVERYWHERE. Tests that share a play run on the same host."""
    take_long_tests(config, items)
    # Debian 12 has the oldest nginx, which reads a header that comes twice in another way.
    take_one_host(config, items, {"test_maintenance.py": "trixie", "test_behind.py": "bookworm"})
    here = (*EVERYWHERE, "test_maintenance.py", "test_behind.py")
    share_out_each(config, items, lambda item: item.path.name not in here or "own_play" in item.fixturenames)


@pytest.fixture
def guestbook(address):
    return Visitor(address, "guestbook.example.test")


@pytest.fixture
def wagtail(address):
    return Visitor(address, "wagtail.example.test")


@pytest.fixture(scope="module")
def stylesheet(address):
    """The path of the guestbook's hashed stylesheet, as its page names it."""
    page = Visitor(address, "guestbook.example.test").get("/")
    return re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.text).group(1)


@pytest.fixture(scope="module")
def plain_stylesheet(stylesheet):
    """The same file under its name without the hash."""
    return re.sub(r"\.[0-9a-f]{12}\.css$", ".css", stylesheet)


@pytest.fixture(scope="module")
def password(host):
    """The password of `visitor`, superuser of the guestbook."""
    make_superuser(host, "guestbook", PASSWORD)
    return PASSWORD


@pytest.fixture(scope="module")
def wagtail_password(host):
    """The password of `visitor`, superuser of the Wagtail site."""
    make_superuser(host, "wagtailsite", PASSWORD)
    return PASSWORD


@pytest.fixture
def logged(host):
    """The entry of the request that carried this mark."""

    def entry(mark, log="/var/log/nginx/guestbook.access.log"):
        # nginx collects its log lines for some seconds; reopening the file makes it write them now.
        host.check_output("nginx -s reopen")
        found = eventually(lambda: host.run("grep -F %s %s", mark, log).stdout)
        (line,) = found.splitlines()
        return json.loads(line)

    return entry


@pytest.fixture
def mark():
    return uuid.uuid4().hex

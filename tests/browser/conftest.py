"""A real browser on the controller, looking at the guestbook of the hosts that pytest-testinfra is given:

pytest tests/browser --hosts=ssh://root@server.example.com
"""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

REPOSITORY = Path(__file__).parents[2]
SITE = "guestbook.example.test"

sys.path.insert(0, str(REPOSITORY / "tests" / "testinfra"))

# Hosts and browser may share two busy cores.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(config, items):
    from helpers.long import share_out

    share_out(config, items, "test_admin.py")


@pytest.fixture
def address(host):
    return host.interface.default("inet").addresses[0]


@pytest.fixture
def page(address):
    arguments = [
        # The site by its own name, without touching anyone's resolver, and no other name at all.
        f"--host-resolver-rules=MAP {SITE} {address}, MAP * ~NOTFOUND",
        "--no-proxy-server",
        # Chromium refuses to start its sandbox as root, and root is what a lab needs.
        "--no-sandbox",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield browser.new_page(base_url=f"http://{SITE}", color_scheme="light")
        browser.close()


@pytest.fixture
def troubles(page):
    """What went wrong while the page was looked at. It grows as the test goes on."""
    seen = []
    page.on("requestfailed", lambda request: seen.append(f"{request.url}: {request.failure}"))
    page.on("response", lambda answer: answer.status >= 400 and seen.append(f"{answer.url}: {answer.status}"))
    page.on("console", lambda message: message.type in ("error", "warning") and seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    return seen


@pytest.fixture
def screenshot(page, host):
    """Keep what the browser shows, under a name, with the other artifacts of a run."""

    def keep(name):
        page.screenshot(path=REPOSITORY / ".artifacts" / f"{name}.{host.backend.get_hostname()}.png")

    return keep

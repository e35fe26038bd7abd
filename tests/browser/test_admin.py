"""The admin as a person sees it: nothing here looks at an answer's status or headers, only at the page."""

import re
import secrets

from helpers.hosts import make_superuser
from playwright.sync_api import expect

# --header-bg of the admin's stylesheet, as a browser reports a colour. Without the stylesheet there is none.
ADMIN_BLUE = "rgb(65, 118, 144)"


def test_the_admin_is_styled_and_lets_its_user_in(host, page, troubles, screenshot):
    password = secrets.token_urlsafe()
    make_superuser(host, "guestbook", password)

    page.goto("/admin/")
    screenshot("admin-login")
    expect(page).to_have_title(re.compile("Log in"))
    assert troubles == []
    expect(page.locator("#header")).to_have_css("background-color", ADMIN_BLUE)

    page.get_by_label("Username").fill("visitor")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    expect(page.get_by_role("link", name="Entries")).to_be_visible()
    screenshot("admin-dashboard")
    assert troubles == []

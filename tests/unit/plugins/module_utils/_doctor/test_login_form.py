"""Which form the doctor may send."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import login_form

URL = "https://shop.test/accounts/login/"
TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="t&amp;1">'
LOGIN = f"""<form method='post'>{TOKEN}<input name="username" value="kept"><input type=password name=password>
<input type="hidden" name="next" value="/x"><button type="submit">Log in</button></form>"""


def test_a_login_form_is_sent_without_a_name_and_a_password():
    found = login_form.find(f"<form><input name=q></form>{LOGIN}", URL)
    assert found.path == "/accounts/login/"
    assert dict(found.fields) == {"csrfmiddlewaretoken": "t&1", "next": "/x", "username": "", "password": ""}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("method='post'", "method='get'"),
        ("method='post'", "method='post' action='https://other.test/'"),
        (TOKEN, ""),
        ("<input type=password name=password>", ""),
        # A registration, a change of a password, an upload.
        ("</button>", "</button><input type=password name=again>"),
        ("</button>", "</button><input type=email name=email>"),
        ("</button>", "</button><input type=file name=photo>"),
    ],
)
def test_another_form_is_not_sent(old, new):
    assert login_form.find(LOGIN.replace(old, new), URL) is None


@pytest.mark.parametrize(("before", "is_found"), [(login_form.MAX_FORMS - 1, True), (login_form.MAX_FORMS, False)])
def test_only_the_first_forms_of_a_page_are_read(before, is_found):
    assert (login_form.find("<form></form>" * before + LOGIN, URL) is not None) is is_found


@pytest.mark.parametrize("page", ["<form " * 50000, "<form>" * 50000, "<input name=" * 50000])
def test_a_hostile_page_takes_no_time(page):
    assert login_form.find(page[: 128 * 1024], URL) is None

"""A change of passwords in a diff, without a hash."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.password_diff import change

PATH = "/etc/nginx/gatehouse/live/passwords/guestbook.0123456789ab"
KEPT = "ann:(hash not shown)\n"


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("ann:$6$a\n", "ann:$6$b\n", (KEPT, "ann:(changed hash not shown)\n")),
        ("ann:$6$a\n", "ann:$6$a\nbob:$6$c\n", (KEPT, f"{KEPT}bob:(hash not shown)\n")),
        ("", "ann:$6$a\n", ("", KEPT)),
        ("ann:$6$a\n", "", (KEPT, "")),
    ],
)
def test_the_users_are_shown_and_whose_password_changes(before, after, shown):
    found = change(PATH, before, after)
    assert found["before_header"] == found["after_header"] == f"{PATH} (passwords of site guestbook)"
    assert (found["before"], found["after"]) == shown
    assert "$" not in str(found)

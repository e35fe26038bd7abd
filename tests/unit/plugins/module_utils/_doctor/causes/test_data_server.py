"""An error of a page that a database, cache or broker explains."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import data_server
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

TEXT = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
SERVER, SPACE = Finding("shop.test", "The database is away.", "Start it."), Finding("shop.test", "Full.", "Remove.")
REFUSED = (
    "Traceback (most recent call last):\ndjango.db.utils.OperationalError: connection failed: Connection refused\n"
)
OTHER = "Traceback (most recent call last):\nZeroDivisionError: division by zero\n"


@pytest.fixture
def explain(visit_to, release, monkeypatch):
    """explain(journal, servers, space, status): the finding."""

    def explain(journal="", servers=(), space=(), status=500):
        monkeypatch.setattr(data_server, "check_data_servers", lambda *_given: list(servers))
        monkeypatch.setattr(data_server, "check_app_space", lambda *_given: list(space))
        outputs = [("journalctl --since _SYSTEMD_UNIT=shop-web@1.service", journal)]
        return data_server.explain(visit_to(TEXT, ("http://shop.test/", Answer(status)), outputs=outputs))

    return explain


@pytest.mark.parametrize("journal", ["", REFUSED])
def test_a_server_that_refuses_the_app(explain, journal):
    """Django logs no error of a page by default."""
    assert explain(journal, [SERVER], [SPACE]) == SERVER
    assert explain(journal, [], [SPACE]) == SPACE
    assert explain(journal) is None


def test_another_error_has_another_cause(explain):
    assert explain(OTHER, [SERVER], [SPACE]) is None


def test_a_page_that_is_served(explain):
    assert explain(servers=[SERVER], status=200) is None

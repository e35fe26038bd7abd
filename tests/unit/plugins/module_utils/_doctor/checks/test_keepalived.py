"""The check of keepalived: it must run where the role has set it up."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.keepalived import check_keepalived


@pytest.fixture
def found(tmp_path):
    def found(state, text="# Written by gatehouse.django; changes here are replaced.\n"):
        path = tmp_path / "keepalived.conf"
        path.write_text(text)
        return check_keepalived(lambda _argv: (0, f"LoadState=loaded\nActiveState={state}\n", ""), path)

    return found


def test_a_host_that_cannot_take_the_address_is_reported(found):
    finding = found("inactive")
    assert "does not take the address" in finding.cause
    assert finding.remedy == "`systemctl enable --now keepalived`"


def test_a_host_that_can_is_not(found):
    assert found("active") is None


def test_a_configuration_of_others_is_theirs(found, tmp_path):
    assert found("inactive", "vrrp_instance other {}\n") is None
    assert check_keepalived(lambda _argv: (1, "", ""), tmp_path / "none") is None

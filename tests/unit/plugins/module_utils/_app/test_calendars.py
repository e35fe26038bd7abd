"""Calendar expressions of timers are checked by systemd."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.calendars import check
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


@pytest.fixture
def tools():
    def run(argv, **_options):
        return (0, "", "") if argv[-1] == "daily" else (1, "", f"Failed to parse calendar expression '{argv[-1]}'")

    return Tools(run, {})


def test_a_time_that_systemd_understands(tools):
    """Smoke test: nothing is raised."""
    check(tools, {"clean": "daily"})


def test_the_timer_is_named(tools):
    with pytest.raises(ReleaseError) as refused:
        check(tools, {"clean": "daily", "mail": "dayly"})
    assert str(refused.value).startswith("timers[mail]: systemd cannot parse on_calendar 'dayly': Failed to")
    assert "Nothing was changed." in str(refused.value)

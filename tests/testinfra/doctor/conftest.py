"""A healthy host. A test breaks something, runs the doctor, and restores it."""

import re
from contextlib import contextmanager

import pytest
from helpers.doctor import RELOAD
from helpers.long import share_out
from helpers.states import ANOTHER, START, write


def pytest_collection_modifyitems(config, items):
    """Findings depend little on the distribution."""
    share_out(config, items, "test_answers.py", "test_causes.py", "test_memory.py", "test_settings.py")


@pytest.fixture
def doctor(driver):
    """doctor(url=...): the findings."""

    def doctor(**options):
        answer = driver.doctor(**options)
        assert not answer["failed"], answer
        assert answer["changed"] is False
        return answer["findings"]

    return doctor


@pytest.fixture
def only(doctor):
    """only(url=...): the finding, which must be the only one."""

    def only(**options):
        findings = doctor(**options)
        assert len(findings) == 1, findings
        return findings[0]

    return only


@pytest.fixture
def follow(driver):
    """follow(finding): run the command of the remedy."""

    def follow(finding):
        driver.shell(re.search("`([^`]+)`", finding["remedy"])[1])

    return follow


@pytest.fixture
def written(driver):
    """A file of nginx's configuration that Gatehouse did not write, and nginx has read."""

    @contextmanager
    def written(content):
        write(driver, ANOTHER, content)
        try:
            driver.shell(f"nginx -t || exit 1\n{RELOAD}")
            yield ANOTHER
        finally:
            driver.shell(f"rm {ANOTHER}\n{RELOAD}")

    return written


@pytest.fixture
def nginx_started(driver):
    yield
    driver.shell(START)

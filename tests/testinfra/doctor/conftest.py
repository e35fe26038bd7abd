"""A healthy host. A test breaks something, runs the doctor, and restores it."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.doctor import ADDRESS, BY_HAND_URL, RELOAD, UNIT
from helpers.long import share_out
from helpers.states import ANOTHER, START, write


def pytest_collection_modifyitems(config, items):
    """Findings depend little on the distribution."""
    files = (
        "test_answers.py",
        "test_causes.py",
        "test_pages.py",
        "test_memory.py",
        "test_refusals.py",
        "test_settings.py",
    )
    share_out(config, items, *files)


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


@pytest.fixture
def hand(driver):
    """hand(timeout, address, options, **settings): the project's service runs, with these options of gunicorn."""
    write(driver, "/opt/hand.py", (Path(__file__).parent / "hand.py").read_text())
    driver.shell(
        "mkdir -p /opt/hand/static /var/log/hand; mv /opt/hand.py /opt/hand; echo 'a {}' > /opt/hand/static/a.css\n"
        "chown guestbook /var/log/hand"
    )

    def hand(timeout=20, address=ADDRESS, options="", **settings):
        unit = UNIT.replace("TIMEOUT", str(timeout)).replace("ADDRESS", address).replace("OPTIONS", options)
        write(driver, "/etc/systemd/system/hand.service", unit)
        write(driver, "/opt/hand/env", f"HAND_SETTINGS='{json.dumps(settings)}'\n")
        driver.shell("systemctl daemon-reload; systemctl restart hand")
        driver.shell(f"for i in $(seq 100); do curl -so /dev/null http://{ADDRESS}/ && exit; sleep 0.1; done")

    yield hand
    driver.shell(
        "systemctl stop hand; rm -rf /etc/systemd/system/hand.service /opt/hand /var/log/hand\n"
        "systemctl daemon-reload; systemctl reset-failed hand 2>/dev/null; true"
    )


@pytest.fixture
def explained(doctor):
    """explained(path): the only finding that explains the answer to the page, without the doctor's own time."""

    def explained(path, status, base=BY_HAND_URL):
        (finding,) = [one for one in doctor(url=f"{base}{path}") if one["explains"]]
        assert finding["explains"] == [f"{base}{path.partition('?')[0]}: {status}"]
        return finding["cause"], finding["remedy"]

    return explained

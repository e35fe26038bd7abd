"""A host that was made by hand as the usual tutorials do, with another site of Gatehouse's beside it.

The files are tried in the order of their names: the last one takes the site over.
"""

import re

import pytest
from helpers.doctor import RELOAD
from helpers.handmade import PLAYBOOK
from helpers.play import Play

WRITE = re.compile(r"Write '(?P<text>[^']+)' in (?P<path>/\S+):(?P<line>\d+)")


@pytest.fixture
def takeover(host):
    """takeover(...): how the play ended; extra variables as keywords."""

    def takeover(**variables):
        return Play(PLAYBOOK, host, **{"app": "shop", "confirm": "shop", **variables}).finish()

    return takeover


@pytest.fixture
def doctor(driver):
    """doctor(): the answer of the module."""

    def doctor(**options):
        answer = driver.doctor(**options)
        assert not answer["failed"], answer
        return answer

    return doctor


@pytest.fixture
def follow(driver):
    """follow(finding): do what the remedy says, word for word."""

    def follow(finding):
        remedy = finding["remedy"]
        written = WRITE.search(remedy)
        if written:
            driver.shell(f"sed -i '{written['line']}c\\{written['text']}' $(readlink -f {written['path']})")
        command = re.search("`([^`]+)`", remedy)[1]
        reload = "systemctl reload nginx"
        driver.shell(RELOAD.replace(reload, f"{command} || exit 1") if command.endswith(reload) else command)

    return follow

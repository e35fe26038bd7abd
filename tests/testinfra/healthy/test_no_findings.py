"""The doctor finds nothing wrong with a healthy host of each kind, in the scenario that makes it."""

import re

from helpers.module import call

# A host that was made some minutes ago: the timer makes the first backup at night.
IS_YOUNG = re.compile(r"There is no backup of [a-z0-9-]+ yet\.")


def test_the_doctor_finds_nothing_wrong(host):
    answer = call(host, "django_doctor", settings_only=False)
    assert not answer["failed"], answer
    findings = [(one["site"], one["cause"]) for one in answer["findings"]]
    assert [(site, cause) for site, cause in findings if not IS_YOUNG.fullmatch(cause)] == []
    # It has requested pages, and they were answered.
    statuses = {one["url"]: one["status"] for one in answer["asked"]}
    assert statuses
    assert {url: status for url, status in statuses.items() if not 200 <= status < 500} == {}

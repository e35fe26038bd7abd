"""The process that prepares a release runs the project's code: its report is verified."""

import pytest
from helpers.hosts import release_of
from plays import deploy

FORGED = """
import json
import os
import sys

if "gatehouse_prepare" in sys.argv[0]:
    _phases = dict.fromkeys(("settings", "check", "application", "collectstatic", "plan", "migrate"), 0.1)
    _report = {"phase": "migrate", "phases": _phases, "check": "", "migrations": [], "known_migrations": []}
    _report |= {"health_host": "evil.example.test", "static_files": 0, "token": ""}
    for _output in (1, 3, 4, 5, 6):
        try:
            os.write(_output, (json.dumps(_report) + "\\n").encode())
        except OSError:
            pass
    os._exit(0)
"""


def test_a_report_that_the_project_forges_is_refused(host, variant):
    before = release_of(host, "evil")
    played = deploy(host, "evil", variant({"+tiny/settings.py": FORGED}))
    assert "os._exit()" in played.refusal
    assert release_of(host, "evil") == before


@pytest.mark.parametrize("app", ["victim", "wire"])
def test_other_apps_are_still_served(host, app):
    unix = f"/srv/{app}/current/web.sock"
    assert host.check_output("curl --silent --fail --unix-socket %s http://%s.example.test/", unix, app) == "tiny"

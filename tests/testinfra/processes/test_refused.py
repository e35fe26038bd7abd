"""Processes, timers and sandboxes that cannot work are refused before anything is changed."""

import json

import pytest
from helpers.hosts import release_of, unit
from plays import HERE, play

GOOD = {"name": "mail", "command": "sleep infinity"}
CLOCK = {"name": "clock", "command": "python manage.py clearsessions"}

REFUSED = {
    "a time that systemd does not understand": (
        {"timers": [{**CLOCK, "on_calendar": "dayly"}]},
        [
            "timers[clock]: systemd cannot parse on_calendar 'dayly'",
            "specification 'dayly'",
            "Use an expression like 'daily'",
        ],
    ),
    "a command whose quotes are open": (
        {"processes": [{**GOOD, "command": "sleep 'infinity"}]},
        ["processes[mail]: command 'sleep 'infinity' cannot be split into words", "Close the quotes"],
    ),
    "a command for a shell": (
        {"processes": [{**GOOD, "command": "sleep 1 && sleep 2"}]},
        ["processes[mail]", "is not run by a shell", "sh -c"],
    ),
    "a name that is the app's own": (
        {"processes": [{**GOOD, "name": "web"}]},
        ["processes[web]: name 'web' is reserved", "choose one other than"],
    ),
    "a name that is used twice": (
        {"processes": [GOOD], "timers": [{**CLOCK, "name": "mail", "on_calendar": "daily"}]},
        ["the name 'mail' is used twice"],
    ),
    "a misspelt directive": (
        {"sandbox": {"MemoryDenyWrite": False}},
        ["sandbox: unknown directive 'MemoryDenyWrite': did you mean 'MemoryDenyWriteExecute'?"],
    ),
    "a directive that is no part of the sandbox": (
        {"sandbox": {"User": "root"}},
        ["sandbox: unknown directive 'User'. Known: ", "ProtectSystem"],
    ),
}
DIES = {"processes": [{"name": "dies", "command": "python -c 'raise SystemExit(\"there is no broker\")'"}]}


@pytest.fixture(scope="module")
def reports(tmp_path_factory, chosen):
    """What each host said to all of it, in one run."""
    directory = tmp_path_factory.mktemp("refused")
    cases = {case: changes for case, (changes, _words) in REFUSED.items()}
    succeeded, output = play(HERE / "refused.yml", directory, chosen, refused=cases, dies=DIES, reports=str(directory))
    assert succeeded, output
    return directory


@pytest.fixture
def report(host, reports):
    return json.loads((reports / f"{host.backend.name}.json").read_text())


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_option_is_refused_with_a_message_that_helps(report, case):
    for word in REFUSED[case][1]:
        assert word in report["said"][case]


def test_nothing_on_the_host_was_touched(report):
    assert sorted(report["touched"]) == []


@pytest.mark.parametrize("word", ["phase 'processes'", "queue-two-dies.service", "there is no broker"])
def test_a_process_that_dies_fails_the_play(report, word):
    assert word in report["said"]["dies"]


def test_the_release_before_is_served_again_and_its_processes_run(host, report):
    assert host.check_output("systemctl show -P LoadState queue-two-dies.service") == "not-found"
    assert host.service("queue-two-idle").is_running
    release = release_of(host, "queue-two")
    assert host.file(f"/srv/queue-two/releases/{release}/.complete").exists
    assert host.service(unit(host, "queue-two", "service")).is_running

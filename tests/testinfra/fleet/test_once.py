"""What is once in a fleet: first commands, the first account, a job with `run_on: one`, `manage`."""

import uuid

import pytest
from helpers.play import REPOSITORY, run_play
from members import APP, Project, beats, deployed
from test_deploy import rows

pytestmark = pytest.mark.long
MANAGE = REPOSITORY / "playbooks/manage.yml"


def write(text):
    """A management command that writes a row."""
    return f"shell -v 0 -c \"from ledger.models import Entry; Entry.objects.create(text='{text}')\""


def accounts(web_host, name):
    code = f"from django.contrib.auth.models import User; print(User.objects.filter(username='{name}').count())"
    return int(web_host.check_output(f"/srv/{APP}/manage shell -v 0 -c %s", code))


@pytest.fixture(scope="module")
def first(host, web_hosts, tmp_path_factory):
    """The text of the row that the first command of the release writes, which is the name of the account, too."""
    project, text = Project(tmp_path_factory.mktemp("once")), uuid.uuid4().hex
    options = {
        "first_commands": [f"manage.py {write(text)}"],
        "admin": {"username": text, "email": "once@example.test", "password": uuid.uuid4().hex},
        "timers": [{"name": "tick", "command": "manage.py check", "on_calendar": "yearly", "run_on": "one"}],
    }
    deployed(host, project, web_hosts, **options)
    # A second run.
    assert deployed(host, project, web_hosts, **options).output.count("changed=0") == len(web_hosts)
    yield text
    deployed(host, project, web_hosts)


def test_first_commands_and_the_first_account(web_hosts, first):
    assert rows(web_hosts).count(first) == 1
    assert accounts(web_hosts["gatehouse-fleet-web2"], first) == 1


def test_a_timer_that_runs_on_one_host(web_hosts, first):
    for one in web_hosts.values():
        # As a boot does.
        one.check_output(f"systemctl start {APP}-tick.timer")
    assert [one.service(f"{APP}-tick.timer").is_running for one in web_hosts.values()] == beats(web_hosts)
    assert beats(web_hosts).count(True) == 1


def test_a_management_command(host, web_hosts, first):
    text = uuid.uuid4().hex
    run_play(MANAGE, host, hosts=list(web_hosts), app=APP, command=write(text))
    assert rows(web_hosts).count(text) == 1

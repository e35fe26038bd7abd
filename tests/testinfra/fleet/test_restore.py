"""A restore in a fleet: the one database is exchanged under all hosts."""

import uuid

import pytest
from helpers.backups import PASSWORD, back_up
from helpers.play import REPOSITORY, Play
from members import APP, Project, beats, deployed, served
from test_deploy import rows, running

pytestmark = pytest.mark.long
RESTORE = REPOSITORY / "playbooks/restore.yml"
BACKUP = {"password": PASSWORD, "password_kept": True, "drill": "never"}
PSQL = "cd / && runuser -u postgres -- psql -XAtqc"
KEPT = f"{PSQL} \"SELECT datname FROM pg_database WHERE datname LIKE 'shop_%'\""


@pytest.fixture(scope="module")
def project(host, web_hosts, database_host, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("restore"))
    deployed(host, project, web_hosts, backup=BACKUP)
    yield project
    deployed(host, project, web_hosts)
    for name in database_host.check_output(KEPT).splitlines():
        database_host.check_output(f"{PSQL} 'DROP DATABASE \"{name}\"'")


def write(web_hosts):
    """Write a row, and return its text."""
    text, (first, *_others) = uuid.uuid4().hex, web_hosts.values()
    code = f"from ledger.models import Entry; Entry.objects.create(text='{text}')"
    first.check_output(f"/srv/{APP}/manage shell -v 0 -c %s", code)
    return text


@pytest.fixture
def backup(web_hosts, project):
    """The text of a row in the backup, which the host makes whose pg_dump can."""
    holder = web_hosts["gatehouse-fleet-web2"]
    # The first one, which its timer starts, may still run.
    back_up(holder, APP)
    text = write(web_hosts)
    back_up(holder, APP)
    return text


def test_all_hosts_have_the_data_of_the_backup(host, web_hosts, backup):
    lost, before = write(web_hosts), served(web_hosts)
    asked = Play(RESTORE, host, hosts=list(web_hosts), app=APP).finish()
    assert asked.code != 0
    assert "-e confirm=shop" in asked.refusal
    assert lost in rows(web_hosts)
    played = Play(RESTORE, host, hosts=list(web_hosts), app=APP, confirm=APP).finish()
    assert played.code == 0, played.output
    assert backup in rows(web_hosts)
    assert lost not in rows(web_hosts)
    assert (served(web_hosts), running(web_hosts), beats(web_hosts).count(True)) == (before, [1, 1], 1)

"""Copies of a fleet's database: one host proves the backup, and the host that migrates rehearses the migrations."""

import json

import pytest
from helpers.backups import PASSWORD, STATE, back_up
from members import APP, Project, deploy, deployed, served
from test_deploy import rows, running

pytestmark = pytest.mark.long
DRILL = f"gatehouse-drill@{APP}"
COPIES = "cd / && runuser -u postgres -- psql -XAtqc \"SELECT datname FROM pg_database WHERE datname LIKE '%-copy%'\""
LEFT = f"ls -d /srv/{APP}/copies/* {STATE}/{APP}/copy-* /run/gatehouse-{APP}-* 2>/dev/null"


@pytest.fixture(scope="module")
def project(host, web_hosts, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("copies"))
    deployed(host, project, web_hosts, backup={"password": PASSWORD, "password_kept": True})
    yield project
    deployed(host, project, web_hosts)


def assert_nothing_is_left(web_hosts, database_host):
    assert [one.run(LEFT).stdout for one in web_hosts.values()] == ["", ""]
    assert database_host.check_output(COPIES) == ""


def test_one_host_proves_the_backup(web_hosts, database_host, project):
    holders = [one for one in web_hosts.values() if one.run(f"systemctl is-enabled {DRILL}.timer").rc == 0]
    (holder,) = holders
    # The first one, which its timer starts, may still run.
    back_up(holder, APP)
    made = back_up(holder, APP)
    done = holder.run(f"systemctl start {DRILL}")
    assert done.rc == 0, holder.check_output(f"journalctl -n 30 -u {DRILL}")
    last = json.loads(holder.check_output(f"cat {STATE}/{APP}/drill.json"))["last"]
    assert (last["result"], last["snapshot"], last["lacking"]) == ("ok", made["snapshot"], [])
    assert last["rows"] > 0
    assert_nothing_is_left(web_hosts, database_host)


def test_a_migration_that_locks_is_refused_before_any_host_is_touched(host, web_hosts, database_host, project):
    before = served(web_hosts)
    name = project.add_migration("LOCK TABLE ledger_entry IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(2)")
    changes = {"backup": {"password": PASSWORD, "password_kept": True}}
    played = deploy(host, project, list(web_hosts), rehearse={"refuse_locks_over": "1s"}, **changes).finish()
    assert played.code != 0, played.output
    assert f"{name} holds ACCESS EXCLUSIVE on ledger_entry for 2." in played.refusal
    assert "readers and writers wait so long (refuse_locks_over: 1 s)" in played.refusal
    assert (served(web_hosts), running(web_hosts)) == (before, [1, 1])
    assert name not in rows(web_hosts)
    assert_nothing_is_left(web_hosts, database_host)

    # The same with a longer limit is deployed, and migrated once.
    played = deploy(host, project, list(web_hosts), rehearse={"refuse_locks_over": "60s"}, **changes).finish()
    assert played.code == 0, played.output
    assert f"{name}: 2." in played.output
    assert rows(web_hosts).count(name) == 1
    assert not set(served(web_hosts)) & set(before)
    assert_nothing_is_left(web_hosts, database_host)

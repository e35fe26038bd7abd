"""The database of a fleet is lost with its host: no run begins with an empty one, and the backup brings it back."""

import pytest
from helpers.backups import back_up
from helpers.play import REPOSITORY, Play
from members import APP, DEPLOY, PROCESSES, Project, beats, deploy, deployed, served
from test_deploy import rows, running
from test_restore import BACKUP, write

pytestmark = pytest.mark.long
RESTORE = REPOSITORY / "playbooks/restore.yml"
PSQL = "cd / && runuser -u postgres -- psql -XAtqc"
# What its host does not have after a loss: the database, and who may connect. The role goes with its password.
LOSE = f"""
{PSQL} 'ALTER DATABASE {APP} WITH ALLOW_CONNECTIONS false'
{PSQL} "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{APP}'"
{PSQL} 'ALTER DATABASE {APP} RENAME TO lab_lost'
{PSQL} 'ALTER ROLE {APP} RENAME TO lab_lost'
for file in /etc/postgresql/*/main/pg_hba.conf; do cp -p $file $file.lab; sed -i '/{APP}/d' $file; done
systemctl reload postgresql
"""
EXISTS = f"{PSQL} \"SELECT count(*) FROM pg_database WHERE datname = '{APP}'\""
# The app of a host that was installed anew.
FORGET = f"mv /srv/{APP}/current /root/lab-current; systemctl stop {APP}-web"
RETURN = f"mv /root/lab-current /srv/{APP}/current; systemctl start {APP}-web"


@pytest.fixture(scope="module")
def backup(host, web_hosts, database_host, tmp_path_factory):
    """The project that the hosts serve, and the text of a row in its backup. Its database was lost."""
    project = Project(tmp_path_factory.mktemp("lost"))
    deployed(host, project, web_hosts, backup=BACKUP)
    holder = web_hosts["gatehouse-fleet-web2"]
    back_up(holder, APP)
    project.text = write(web_hosts)
    back_up(holder, APP)
    database_host.check_output("bash -ec %s", LOSE)
    yield project
    deployed(host, project, web_hosts)
    database_host.check_output(f"{PSQL} 'DROP DATABASE IF EXISTS lab_lost'; {PSQL} 'DROP ROLE IF EXISTS lab_lost'")


def is_refused(played, database_host):
    assert played.code != 0, played.output
    gone = f"{APP}: its database on {database_host.backend.name} is gone, or has no tables. Nothing was changed."
    assert gone in played.refusal, played.output
    assert f"gatehouse.django.restore -e app={APP} -e only=database" in played.refusal
    assert database_host.check_output(EXISTS) == "0"


def test_no_run_begins_with_an_empty_database(host, web_hosts, database_host, backup):
    is_refused(deploy(host, backup, list(web_hosts), backup=BACKUP).finish(), database_host)


def test_a_host_outside_of_the_run_is_asked(host, web_hosts, database_host, backup):
    """Its database was lost together with the host of the run, which was installed anew."""
    (name, first), *_others = web_hosts.items()
    first.check_output(FORGET)
    try:
        played = deploy(host, backup, [name], backup=BACKUP).finish()
    finally:
        first.check_output(RETURN)
    is_refused(played, database_host)


def test_an_empty_one_that_is_confirmed_is_told(host, web_hosts, database_host, backup):
    changes = {"source": {"directory": str(backup.path)}, "processes": PROCESSES, "backup": BACKUP}
    options = {"lab_app": APP, "lab_changes": changes, "confirm": APP}
    played = Play(DEPLOY, host, hosts=list(web_hosts), check=True, **options).finish()
    assert played.code == 0, played.output
    for name in web_hosts:
        assert f"{name}: {APP}: its database on {database_host.backend.name} would be new and empty." in played.output


def test_all_hosts_have_it_back(host, web_hosts, backup):
    before = served(web_hosts)
    played = Play(RESTORE, host, hosts=list(web_hosts), app=APP, only="database").finish()
    assert played.code == 0, played.output
    assert backup.text in rows(web_hosts)
    assert (served(web_hosts), running(web_hosts), beats(web_hosts).count(True)) == (before, [1, 1], 1)

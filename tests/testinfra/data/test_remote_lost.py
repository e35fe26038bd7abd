"""The host of an app's database is lost, and an empty one has its name: the database comes back from the backup."""

import pytest
from helpers.backups import as_app, back_up
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.play import REPOSITORY, Play
from plays import sql, start_deploy
from remote import APP, server_of
from test_way_back import ROWS

pytestmark = pytest.mark.long
RESTORE = REPOSITORY / "playbooks/restore.yml"
UPLOAD = "/srv/away/data/upload"
# All that a new machine does not have: the cluster, the authority, the certificate. The packages stay.
LOSE = """
systemctl stop 'postgresql@*'
for path in /etc/postgresql/* /var/lib/postgresql/* /etc/gatehouse/services; do mv $path /root/kept-${path//\\//+}; done
systemctl daemon-reload
"""
RETURN = """
pg_lsclusters --no-header | while read -r major name _more; do pg_dropcluster --stop $major $name; done
rm -rf /etc/gatehouse/services /etc/postgresql/* /var/lib/postgresql/*
for path in /root/kept-*; do to=${path#/root/kept-}; mv $path ${to//+//}; done
systemctl daemon-reload
pg_lsclusters --no-header | while read -r major name _more; do systemctl start postgresql@$major-$name; done
"""
CLUSTERS = "pg_lsclusters --no-header"


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(host, server, address):
    """The app with a backup of one row; its file is newer, and the host of its database was lost."""
    away = Visitor(address, "away.example.test")
    # The release of the inventory, whatever other tests have left.
    assert start_deploy(host, app=APP).finish().code == 0
    assert away.get("/add/old").status == 200
    as_app(host, APP, f"echo old >{UPLOAD}")
    back_up(host, APP)
    as_app(host, APP, f"echo new >{UPLOAD}")
    away.rows = sql(server, ROWS, APP)
    server.check_output("bash -ec %s", LOSE)
    yield away
    server.check_output("bash -ec %s", RETURN)
    host.check_output("rm -f %s", UPLOAD)
    # It trusts the former authority again.
    played = start_deploy(host, app=APP).finish()
    assert played.code == 0, played.output


def test_it_comes_back_from_the_backup(host, server, away):
    before = release_of(host, APP)
    refused = start_deploy(host, app=APP).finish()
    assert refused.code != 0
    gone = f"away: its database on {server.backend.name} is gone, or has no tables. Nothing was changed."
    assert gone in refused.refusal
    assert "gatehouse.django.restore -e app=away -e only=database. To begin with an empty" in refused.refusal

    checked = Play(RESTORE, host, app=APP, only="database", check=True).finish()
    assert checked.code == 0, checked.output
    # The files are not lost.
    refused = Play(RESTORE, host, app=APP).finish()
    assert "Would replace the databases 'default' (postgresql) and the files in /srv/away/data" in refused.refusal
    assert "With -e only=database it alone is brought back" in refused.refusal
    assert server.check_output(CLUSTERS) == ""

    played = Play(RESTORE, host, app=APP, only="database").finish()
    assert played.code == 0, played.output
    assert sql(server, ROWS, APP) == away.rows
    assert release_of(host, APP) == before
    assert host.file(UPLOAD).content_string == "new\n"
    eventually(lambda: away.get("/add/later").status == 200)
    assert host.service("away-worker").is_running

    again = start_deploy(host, app=APP).finish()
    assert again.code == 0, again.output
    assert "changed=0" in again.output
    assert "-e confirm=away" in Play(RESTORE, host, app=APP, only="database").finish().refusal

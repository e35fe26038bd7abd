"""A database of a managed server: the app has a role without rights of an administrator, and its URL in `secrets`."""

import pytest
from helpers.backups import PASSWORD, back_up
from helpers.http import Visitor
from helpers.module import call
from helpers.play import REPOSITORY, run_play
from plays import sql, start_deploy, variant_in
from remote import APP, server_of
from test_drill import Shop
from test_rehearsal import COLUMNS, REWRITE, variant

pytestmark = pytest.mark.long
URL = "postgresql://managed:for-this-test@{}/managed?sslmode=require"
# It makes its own database alone; no superuser of it is known to the app's host.
MAKE = "CREATE ROLE managed LOGIN PASSWORD 'for-this-test' CONNECTION LIMIT 20"
LET_IN = """
for file in /etc/postgresql/*/main/pg_hba.conf; do
    sed -i '/# of the test$/d' $file
    [ -z "$1" ] || echo "hostssl managed managed $1/32 scram-sha-256  # of the test" >>$file
done
systemctl reload postgresql
"""


@pytest.fixture
def server(host):
    return server_of(host)


@pytest.fixture
def away(host, server, address, tmp_path):
    """The app with that database; afterwards with that of the inventory."""
    sql(server, MAKE)
    sql(server, "CREATE DATABASE managed OWNER managed")
    server.check_output("bash -ec %s bash %s", LET_IN, host.interface("eth0").addresses[0])
    shop = Shop(host, Visitor(address, "away.example.test"), APP)
    key = "a-third-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check"
    url = URL.format(server.interface("eth0").addresses[0])
    shop.changes = {
        "database": "",
        "secrets": {"DJANGO_SECRET_KEY": key, "DATABASE_URL": url},
        "backup": {"password": PASSWORD, "password_kept": True},
    }
    played = start_deploy(host, variant_in(tmp_path, {}), APP, **shop.changes).finish()
    assert played.code == 0, played.output
    yield shop
    played = start_deploy(host, app=APP).finish()
    server.check_output("bash -ec %s bash ''", LET_IN)
    sql(server, "DROP DATABASE managed WITH (FORCE)")
    sql(server, "DROP ROLE managed")
    assert played.code == 0, played.output


def test_backup_drill_and_rehearsal_work_and_a_restore_is_by_hand(host, server, away, tmp_path):
    away.write()
    made = back_up(host, APP)
    assert made["warnings"] == []
    later = away.write()

    assert away.drill().rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@away")
    assert (away.last["result"], away.last["snapshot"], away.last["notes"]) == ("ok", made["snapshot"], [])
    looked = run_play(REPOSITORY / "playbooks/restore.yml", host, app=APP, into="scratch", only="database")
    assert "psql --host=/srv/away/copies/restore-server/socket away-copy-restore" in looked
    run_play(REPOSITORY / "playbooks/restore.yml", host, app=APP, into="scratch", state="absent")

    project, name = variant(tmp_path, operations=REWRITE)
    options = away.changes | {"rehearse": {"refuse_locks_over": "1s"}}
    played = start_deploy(host, project, APP, **options).finish()
    assert played.code != 0
    assert f"{name} holds ACCESS EXCLUSIVE on ledger_entry for 2." in played.refusal
    assert "; rewrites ledger_entry\n" in played.refusal
    assert name.partition("_")[2] not in sql(server, COLUMNS, "managed")
    assert away.left == []

    # No snapshot is made before migrations, and the play says so.
    project, name = variant(tmp_path, work="pass")
    played = start_deploy(host, project, APP, **away.changes).finish()
    assert played.code == 0, played.output
    assert "no snapshot" in played.output

    refused = call(host, "django_restore", app=APP, only="database", confirm=APP)
    assert "Gatehouse did not make it there ('database' with 'host'). Restore it by hand" in refused["msg"]
    assert away.visitor.get("/").json()["entries"][-1] == later

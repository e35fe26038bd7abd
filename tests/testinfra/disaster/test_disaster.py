"""A host is lost. One command brings its apps back onto an empty one: data, certificates, account, history."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from helpers.backups import STATE, back_up
from helpers.hosts import eventually
from helpers.locks import HOLDER
from helpers.long import LONG
from helpers.play import REPOSITORY, Play
from helpers.tls import certificate, get

RESTORE = REPOSITORY / "playbooks/restore.yml"
APPS = ("ledger", "archive")
# The release of the inventory is newer than that of the backup.
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.AddField("entry", "note", models.CharField(max_length=9, default="new"))]
"""
FIELD = '    note = models.CharField(max_length=9, default="new")\n'
# Kills the module that holds the lock of the app as soon as it has made the file.
KILL = f"""{HOLDER}
app, path = sys.argv[1:]
lock, deadline, found = "/run/gatehouse/locks/app-" + app, time.monotonic() + 900, 0
os.nice(-20)
while not (found and os.path.exists(path)):
    assert time.monotonic() < deadline
    time.sleep(0.001)
    # Another module may have held it before.
    if not os.path.exists("/proc/" + str(found)):
        found = 0
    if not found and os.path.exists(lock):
        found = holder(lock)
os.kill(found, signal.SIGKILL)
print("killed")
"""
# By app, what its module has made at the moments at which it is killed, one run after the other.
MOMENTS = {
    "archive": [
        f"{STATE}/archive/restore.json",
        "/etc/letsencrypt/accounts",
        "/etc/letsencrypt/renewal/gatehouse-archive.conf",
        f"{STATE}/archive/first-data.json",
    ],
    # The dump is loaded, and the live database still empty.
    "ledger": ["/etc/letsencrypt/renewal/gatehouse-ledger.conf"],
}
ACCOUNTS = "cd /etc/letsencrypt/accounts && find . -type f -exec sha256sum {} + | sort"


def name(app):
    return f"{app}.example.test"


def restore_killed(host, app, path, **variables):
    """Kill the module that restores *app* once it has made *path*."""
    command = ["podman", "exec", host.backend.name, "python3", "-c", KILL, app, path]
    killer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    played = Play(RESTORE, host, app=app, **variables).finish()
    assert killer.communicate()[0].strip() == "killed", played.output
    assert played.code != 0


@dataclass
class Lost:
    """What was lost with the host, by app, and how the restore of all of it ended."""

    project: str
    texts: dict = field(default_factory=dict)
    certificates: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)
    accounts: str = ""
    output: str = ""


@pytest.fixture(scope="module")
def lost(host, address, believer, keeper, replace, suite, tmp_path_factory):
    project = tmp_path_factory.mktemp("newer") / "ledger"
    shutil.copytree(REPOSITORY / "tests/projects/ledger", project)
    (project / "ledger/migrations/0002_note.py").write_text(MIGRATION)
    (project / "variant.txt").write_text(project.parent.name)
    with (project / "ledger/models.py").open("a") as models:
        models.write(FIELD)
    lost = Lost(str(project), accounts=host.check_output(ACCOUNTS))
    for app in APPS:
        lost.texts[app] = uuid4().hex
        assert get(address, name(app), f"/add/{lost.texts[app]}", believer).status == 200
        host.check_output(f"runuser -u {app} -- sh -c %s", f"echo {lost.texts[app]} >/srv/{app}/data/media/upload")
        lost.snapshots[app] = back_up(host, app)["snapshot"]
        lost.certificates[app] = certificate(address, name(app))
    replace(suite)
    for app in APPS:
        for path in MOMENTS[app] if LONG else MOMENTS[app][-1:] if app == "ledger" else []:
            restore_killed(host, app, path, lab_project=lost.project)
    # No request for a certificate could succeed now, as where the names still lead to the lost host.
    keeper("systemctl kill --signal=STOP pebble")
    played = Play(RESTORE, host, lab_project=lost.project).finish()
    keeper("systemctl kill --signal=CONT pebble")
    assert played.code == 0, played.output
    lost.output = played.output
    return lost


@pytest.mark.parametrize("app", APPS)
def test_it_answers_with_the_data_and_the_same_certificate(host, address, believer, lost, app):
    answer = get(address, name(app), "/", believer).json()
    assert answer["entries"][-1] == lost.texts[app]
    assert answer["database"] == ("postgresql" if app == "ledger" else "sqlite")
    assert certificate(address, name(app)) == lost.certificates[app]
    upload = host.file(f"/srv/{app}/data/media/upload")
    assert (upload.content_string.strip(), upload.user, upload.group) == (lost.texts[app], app, "www-data")
    # Nothing of the way there is left.
    assert host.run(f"ls -d /srv/{app}/before-restore-*").rc != 0
    assert host.check_output("stat -c %%a /etc/letsencrypt/archive/gatehouse-%s/privkey*.pem", app) == "600"


def test_it_says_what_it_restored(lost):
    for app in APPS:
        assert f"{app}: The data are of snapshot {lost.snapshots[app]}, made " in lost.output
        assert f"files in /srv/{app}/data" in lost.output
        # The release of the inventory is the newer one.
        assert "of the inventory is served; that of the backup was" in lost.output


def test_the_database_of_postgresql_is_the_only_one(host, lost):
    names = host.check_output("cd / && runuser -u postgres -- psql -XAtc %s", "SELECT datname FROM pg_database")
    assert sorted(names.split()) == ["ledger", "postgres", "template0", "template1"]


def test_commands_for_a_new_database_do_not_run_again(address, believer, lost):
    assert get(address, name("ledger"), "/", believer).json()["entries"].count("first") == 1


def test_a_newer_release_has_migrated_the_data(host, lost):
    code = "from ledger.models import Entry; print(*Entry.objects.values_list('note', flat=True))"
    for app in APPS:
        assert set(host.check_output(f"/srv/{app}/manage shell -v 0 -c %s", code).split()) == {"new"}


def test_the_history_goes_on(host, lost):
    for app in APPS:
        lines = host.check_output(f"cat /var/lib/gatehouse/history/{app}.jsonl").splitlines()
        events = [json.loads(line) for line in lines]
        assert [events[0]["action"], events[-2]["action"], events[-1]["action"]] == ["deploy", "restore", "deploy"]
        assert {events[-2]["result"], events[-1]["result"]} == {"ok"}


def test_the_restored_account_renews_the_restored_certificate(host, address, believer, lost):
    assert host.check_output(ACCOUNTS) == lost.accounts
    configuration = "/etc/letsencrypt/renewal/gatehouse-ledger.conf"
    host.check_output(f"sed -i '1i renew_before_expiry = 9999 days' {configuration}")
    # The authority rejects one nonce in twenty, and certbot tries only twice; its timer starts it again.
    eventually(lambda: host.run("systemctl start certbot.service").rc == 0, 60)
    host.check_output(f"sed -i '/^renew_before_expiry = 9999/d' {configuration}")
    assert certificate(address, name("ledger")) != lost.certificates["ledger"]


def test_the_same_command_again_changes_nothing(host, lost):
    again = Play(RESTORE, host, lab_project=lost.project).finish()
    assert again.code == 0, again.output
    tasks = re.split(r"^TASK ", again.output, flags=re.MULTILINE)
    assert [task for task in tasks if re.search(r"^changed: ", task, re.MULTILINE)] == []


def test_later_it_asks_before_it_replaces_data(host, lost):
    assert back_up(host, "archive")["result"] == "ok"
    refused = Play(RESTORE, host, app="archive", lab_project=lost.project).finish()
    assert refused.code != 0
    assert "Would replace the databases 'default' (sqlite) and the files" in refused.refusal
    assert "-e confirm=archive. Nothing was changed." in refused.refusal

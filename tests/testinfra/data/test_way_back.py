"""A rollback over a migration that dropped a column, with the data from before: row for row, also when it is killed."""

import json
import shlex
from uuid import uuid4

import pytest
from helpers.backups import STATE
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.locks import HOLDER
from helpers.module import call
from helpers.play import REPOSITORY, Play, run_play
from plays import PROJECT, sql, start_deploy, variant_in

ROLLBACK = REPOSITORY / "playbooks/rollback.yml"
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [
        migrations.AddField("entry", "label", models.CharField(max_length=300, default="")),
        migrations.RunSQL("UPDATE ledger_entry SET label = upper(text)"),
        migrations.RemoveField("entry", "text"),
    ]
"""
FAILS = """
from django.db import migrations


def fail(apps, editor):
    raise ValueError("the second one fails")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_label")]
    operations = [migrations.RunPython(fail)]
"""
ROWS = "SELECT string_agg(id || ' ' || text, ',' ORDER BY id) FROM ledger_entry"
# Kills the rollback when the expression, which is the argument, is true.
KILL = f"""{HOLDER}
deadline = time.monotonic() + 60
while not eval(sys.argv[1]):
    assert time.monotonic() < deadline
    time.sleep(0.005)
kill_holder(sys.argv[2])
"""
OTHERS = "SELECT datname FROM pg_database WHERE datname LIKE '{app}_before_%'"
MOMENTS = {
    "loading": "os.path.exists('{state}/{app}/restore.json')",
    "stopped": "not os.path.exists('/srv/{app}/current/web.sock')",
    "exchanged": "os.path.exists('/srv/{app}/releases/{before}/web.sock')",
    "switched": "os.readlink('/srv/{app}/current').endswith('{before}')",
}


@pytest.fixture
def archive(address):
    return Visitor(address, "archive.example.test")


def renamed(directory, files=None):
    """A release that keeps the text of its rows in another column, in capitals."""
    code = {
        name: (PROJECT / "ledger" / name)
        .read_text()
        .replace('"text"', '"label"')
        .replace("(text=text)", "(label=text)")
        for name in ("views.py", "tasks.py")
    }
    models = (PROJECT / "ledger/models.py").read_text().replace("text = models.CharField(max_length=200)", "label = {}")
    changed = {f"ledger/{name}": text for name, text in code.items()}
    changed["ledger/models.py"] = models.format("models.CharField(max_length=300)")
    return variant_in(directory, {**changed, "ledger/migrations/0002_label.py": MIGRATION, **(files or {})})


def entries(visitor):
    return visitor.get("/").json()["entries"]


def deploy(host, project, app, **changes):
    played = start_deploy(host, project, app, **changes).finish()
    assert played.code == 0, played.output
    return played.output


def rollback(host, app, check=False, **options):
    return call(host, "django_rollback", check=check, app=app, restore_database=True, **options)


def state(host):
    """What may not change in check mode: all files but those of releases and of the running app."""
    find = "find /srv/archive -name releases -prune -o -name 'db.sqlite3-*' -prune -o -type f"
    return host.check_output(find + r" -printf '%p %i %T@\n' | sort")


def test_over_a_migration_that_dropped_a_column(host, ledger, tmp_path, undo):
    text, before = uuid4().hex, release_of(host, "ledger")
    assert ledger.get(f"/add/{text}").status == 200
    rows = sql(host, ROWS, "ledger")
    # Without its worker, which the rollback brings back.
    printed = deploy(host, renamed(tmp_path), "ledger", processes=[])
    assert "ledger: snapshot of the databases before the migrations: " in printed
    snapshot = host.check_output("ls -d /srv/ledger/snapshots/* | tail -n 1")
    assert (host.file(snapshot).user, host.file(snapshot).mode) == ("root", 0o700)
    now = release_of(host, "ledger")
    assert entries(ledger)[-1] == text.upper()
    for _time in range(2):
        assert ledger.get(f"/add/{uuid4().hex}").status == 200
    sql(host, "UPDATE ledger_entry SET label = label || '!' WHERE id = (SELECT max(id) FROM ledger_entry)", "ledger")

    # It says what would be lost, and stops.
    lost = "public.ledger_entry: 2 inserted, 1 changed, 0 deleted"
    refused = eventually(lambda: rollback(host, "ledger"), until=lambda answer: lost in answer["msg"])
    assert refused["failed"]
    assert f"Would put release {before} into service" in refused["msg"]
    assert "-e confirm=ledger. Nothing was changed." in refused["msg"]
    assert (release_of(host, "ledger"), entries(ledger)[-3]) == (now, text.upper())

    printed = run_play(ROLLBACK, host, app="ledger", restore_database=True, confirm="ledger")
    assert sql(host, ROWS, "ledger") == rows
    assert (release_of(host, "ledger"), entries(ledger)[-1]) == (before, text)
    kept = sql(host, "SELECT datname FROM pg_database WHERE datname LIKE 'ledger_before_%'")
    undo(f"runuser -u postgres -- dropdb {kept}")
    assert f"database {kept} (remove it: runuser -u postgres -- dropdb {kept})" in printed
    assert sql(host, "SELECT count(*) FROM ledger_entry WHERE label LIKE '%!'", kept) == "1"
    for unit in ("ledger-web", "ledger-worker"):
        assert host.service(unit).is_enabled
        assert host.service(unit).is_running
    history = [
        json.loads(line)
        for line in host.file("/var/lib/gatehouse/history/ledger.jsonl").content_string.split("\n")[-3:-1]
    ]
    assert "snapshot of the databases before the migrations" in history[0]["note"]
    assert "with the databases of " in history[1]["note"]
    # The next deployment of that release migrates again.
    assert not host.file(f"/srv/ledger/releases/{now}/.complete").exists


@pytest.fixture
def migrated(host, address, tmp_path, undo, request):
    """An app after a migration, by default the one on SQLite, and the rows and the release from before it."""
    app = getattr(request, "param", "archive")
    visitor = Visitor(address, f"{app}.example.test")
    visitor.app, visitor.before = app, release_of(host, app)
    assert visitor.get(f"/add/{uuid4().hex}").status == 200
    visitor.rows = entries(visitor)
    undo(f"rm -rf /srv/{app}/before-rollback-*")
    others = f"runuser -u postgres -- psql -XAtqc {shlex.quote(OTHERS.format(app=app))}"
    undo(f"{others} | xargs -rn1 runuser -u postgres dropdb")
    deploy(host, renamed(tmp_path), app)
    assert visitor.get(f"/add/{uuid4().hex}").status == 200
    return visitor


@pytest.mark.long
def test_of_sqlite(host, migrated):
    refused = rollback(host, "archive")
    assert "ledger_entry: 1 more rows" in refused["msg"]
    assert "this is the app 'archive'" in rollback(host, "archive", confirm="ledger")["msg"]
    # A rollback of the code alone names the command.
    assert "-e restore_database=true" in call(host, "django_rollback", app="archive")["msg"]
    before = state(host)
    assert rollback(host, "archive", check=True)["changed"]
    assert state(host) == before
    answer = rollback(host, "archive", confirm="archive")
    assert not answer["failed"], answer
    assert (release_of(host, "archive"), entries(migrated)) == (migrated.before, migrated.rows)
    database = host.check_output("stat --format='%%U %%G %%a' %s", "/srv/archive/data/db.sqlite3")
    assert database == "archive archive 640"
    kept = host.check_output("ls -d /srv/archive/before-rollback-*")
    assert kept in answer["kept"][0]
    assert host.file(f"{kept}/databases/default.sqlite3").exists
    assert migrated.get(f"/add/{uuid4().hex}").status == 200
    # A second run does not go back further.
    assert not rollback(host, "archive", confirm="archive")["changed"]


@pytest.mark.long
def test_check_mode_says_that_one_would_be_made(host, tmp_path):
    checked = start_deploy(host, renamed(tmp_path), "archive", check=True).finish()
    assert "a snapshot of the databases is made first if the release has migrations" in checked.output


@pytest.mark.long
def test_after_a_deployment_that_failed_in_its_migrations(host, archive, tmp_path, undo):
    text, before = uuid4().hex, release_of(host, "archive")
    assert archive.get(f"/add/{text}").status == 200
    rows = entries(archive)
    undo("rm -rf /srv/archive/before-rollback-*")
    played = start_deploy(host, renamed(tmp_path, {"ledger/migrations/0003_fails.py": FAILS}), "archive").finish()
    assert played.code != 0
    assert "-e app=archive -e restore_database=true" in played.refusal
    # The release that is served needs the column that is gone.
    assert archive.get("/").status == 500
    answer = rollback(host, "archive", confirm="archive")
    assert not answer["failed"], answer
    assert (release_of(host, "archive"), entries(archive)) == (before, rows)


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("migrated", ["archive", "ledger"], indirect=True)
def test_a_killed_one_leaves_old_or_new(host, migrated, moment):
    app = migrated.app
    now = release_of(host, app)
    play = Play(ROLLBACK, host, app=app, restore_database=True, confirm=app)
    expression = MOMENTS[moment].format(app=app, state=STATE, before=migrated.before)
    lock = f"/run/gatehouse/locks/app-{app}"
    assert host.check_output("python3 -c %s %s %s", KILL, expression, lock) == "killed"
    assert play.finish().code != 0
    answer = migrated.get("/")
    if answer.status == 200:
        found = answer.json()
        assert found["release"] in (now, migrated.before)
        assert (found["entries"] == migrated.rows) == (found["release"] == migrated.before)
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=[app])["findings"]]
    assert any(f"A rollback of the database of {app} was interrupted" in cause for cause in causes), causes
    for module, more in (("django_rollback", {}), ("django_restore", {"confirm": app})):
        refused = call(host, module, app=app, **more)
        assert "was interrupted. Finish it, or undo it" in refused["msg"]
    again = rollback(host, app, confirm=app)
    assert not again["failed"], again
    eventually(lambda: migrated.get("/").status == 200)
    assert (release_of(host, app), entries(migrated)) == (migrated.before, migrated.rows)
    assert not host.file(f"{STATE}/{app}/restore.json").exists
    assert host.service(f"{app}-web").is_enabled

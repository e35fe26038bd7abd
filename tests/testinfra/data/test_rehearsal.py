"""A release's migrations are rehearsed on a copy of the data: what they do is said, or refused, and nothing stays."""

import re
from uuid import uuid4

import pytest
from helpers.hosts import eventually, release_of
from helpers.http import Visitor
from helpers.locks import HOLDER
from plays import sql, start_deploy, variant_in

MIGRATION = """
import os, pathlib, socket, time
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import connection, migrations, models


def work(apps, editor):
{work}


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("ledger", "0001_initial")]
    operations = [{operations}migrations.RunPython(work)]
"""
# The release that is served needs the column; this one does not use its new name either.
RENAME = 'migrations.RenameField("Entry", "text", "words"), '
# A default that differs for each row rewrites the table. The lock is held for two more seconds.
REWRITE = 'migrations.AddField("Entry", "{name}", models.FloatField(db_default=models.functions.Random())), '
# Django removes the default of the database again.
REQUIRED = 'migrations.AddField("Entry", "{name}", models.CharField(max_length=9, default="new")), '
COLUMNS = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'ledger_entry'::regclass"
LOG = "/var/log/nginx/ledger.access.log"
NOTHING_LEFT = """
! test -e /srv/{app}/copies
! systemctl list-units --all --plain --no-legend 'gatehouse-rehearsal*@{app}.*' | grep .
"""


def variant(directory, work="time.sleep(2)", operations="", atomic=True, **files):
    """A release with a migration of its own, called like the column that its *operations* may add."""
    name = f"n{uuid4().hex[:8]}"
    lines = "\n".join(f"    {line}" for line in work.splitlines())
    text = MIGRATION.format(work=lines, operations=operations.format(name=name), atomic=atomic)
    return variant_in(directory, {f"ledger/migrations/0002_{name}.py": text, **files}), f"ledger.0002_{name}"


def is_clean(host, app="ledger"):
    """Whether nothing of a rehearsal is left."""
    host.check_output(NOTHING_LEFT.format(app=app))
    return sql(host, "SELECT count(*) FROM pg_database WHERE datname LIKE '%%rehearsal%%'") == "0"


# The page of the cache takes two seconds longer.
SLOW = """
fast = remembered


def remembered(request):
    time.sleep(2)
    return fast(request)
"""


def visit(host, visitor, *paths):
    """Have these pages, and no others, in nginx's log of the last day."""
    # nginx writes what it has of the log, and opens it again.
    host.check_output("mv %s %s.old && nginx -s reopen", LOG, LOG)
    eventually(lambda: host.run("ls -l /proc/[0-9]*/fd | grep --quiet %s", f"{LOG}.old").rc != 0)
    assert {visitor.get(path).status for path in paths} == {200}
    host.check_output("rm %s.old && nginx -s reopen", LOG)
    eventually(lambda: host.check_output("wc --lines <%s", LOG) == str(len(paths)))


def refused(host, project, app="ledger", rehearse=True, **changes):
    """Why the deployment was refused. What is live must be as before."""
    before = release_of(host, app), sql(host, COLUMNS, "ledger")
    played = start_deploy(host, project, app, rehearse=rehearse, **changes).finish()
    assert played.code != 0, played.output
    assert "Nothing live was touched." in played.refusal
    assert (release_of(host, app), sql(host, COLUMNS, "ledger")) == before
    assert is_clean(host, app)
    return played.refusal


def test_locks_and_errors_are_refused(host, ledger, tmp_path):
    """The whole of it: locks, rewritten tables, the way back, pages, the refusal, and live data that stay."""
    visit(host, ledger, "/remembered", "/remembered")
    project, name = variant(tmp_path, operations=REWRITE + RENAME, **{"+ledger/views.py": SLOW})
    said = refused(host, project, rehearse={"refuse_locks_over": "1s", "refuse_new_errors": True})
    found, _refused, refusal = said.partition("\nRefused:\n")
    assert f"\n{name}: " in found
    assert "; holds ACCESS EXCLUSIVE on ledger_entry for 2." in found
    assert "; rewrites ledger_entry\n" in found
    # Nothing of Gatehouse's own, which watches.
    assert "gatehouse_" not in said
    assert f"{name} holds ACCESS EXCLUSIVE on ledger_entry for 2." in refusal
    assert "readers and writers wait so long (refuse_locks_over: 1 s)" in refusal
    assert "the release that is served needs the column ledger_entry.text, which the migrations take away" in refusal
    # No page adds a row.
    assert "cannot add rows to ledger_entry, because it does not know the column words there" in refusal
    assert "GET ledger.example.test/: 200 now, 500 with the new release: " in refusal
    # This page of nginx's log needs no table. It is no error.
    assert re.search(r"\nGET ledger\.example\.test/remembered: 0\.\d s now, 2\.\d s with the new release\.\n", found)
    assert "/remembered" not in refusal
    # That one, and the first one, which is that of the health check.
    assert "\nPages: 2 compared." in found
    assert ledger.get("/").status == 200


@pytest.mark.long
def test_what_is_not_refused_is_listed_and_applied(host, ledger, tmp_path):
    before = release_of(host, "ledger")
    visit(host, ledger, "/", "/remembered")
    # A project can have files in its home.
    work = "pathlib.Path.home().joinpath('seen').write_text(os.environ['GATEHOUSE_DATA_DIR'])"
    project, name = variant(tmp_path, work=work, operations=REWRITE)
    checked = start_deploy(host, project, rehearse=True, check=True).finish()
    assert "ledger: If the new release has migrations, they would be rehearsed" in checked.output
    played = start_deploy(host, project, rehearse={"refuse_locks_over": "1min"}).finish()
    assert played.code == 0, played.output
    assert f"ledger: {name}: " in played.output
    assert "ledger: The way back is open" in played.output
    assert "ledger: Pages: 2 compared." in played.output
    assert release_of(host, "ledger") != before
    assert name.partition("_")[2] in sql(host, COLUMNS, "ledger")
    assert host.check_output("cat /srv/ledger/data/seen; rm /srv/ledger/data/seen") == "/srv/ledger/data"
    assert is_clean(host)
    again = start_deploy(host, project, rehearse={"refuse_locks_over": "1min"}).finish()
    assert again.code == 0
    assert "Rehearsal" not in again.output


# A page for visitors who have a session, which no request of a rehearsal has.
PRIVATE = """
from django.http import HttpResponseRedirect


def private(request):
    if "session" in request.COOKIES:
        return HttpResponse("for its visitor")
    {otherwise}
"""
TO_LOGIN = 'return HttpResponseRedirect("/accounts/login/?next=/private")'
URL = '\nurlpatterns.append(path("private", views.private))\n'


@pytest.mark.long
def test_a_page_that_needs_a_login_is_not_compared(host, ledger, tmp_path):
    def files(otherwise):
        return {"+ledger/views.py": PRIVATE.format(otherwise=otherwise), "+ledger/urls.py": URL}

    played = start_deploy(host, variant_in(tmp_path, files(TO_LOGIN))).finish()
    assert played.code == 0, played.output
    assert ledger.get("/private").headers["Location"] == "/accounts/login/?next=/private"
    ledger.cookies["session"] = "1"
    visit(host, ledger, "/private", "/private", "/remembered")
    project, _name = variant(tmp_path, work="pass", **files('raise ValueError("no session")'))
    played = start_deploy(host, project, rehearse={"refuse_new_errors": True}).finish()
    assert played.code == 0, played.output
    # The first page is always asked.
    assert "ledger: Pages: 2 compared, 1 not compared because they need a login." in played.output
    assert "ledger.example.test/private" not in played.output
    assert is_clean(host)


# Each of them ends with an error that quotes what it could do.
HOSTILE = """
found = []
def attempt(what, function):
    try:
        found.append(f"{{what}}: {{function()}}")
    except BaseException as error:
        found.append(f"{{what}}: no")
import psycopg
attempt("live", lambda: psycopg.connect("dbname=ledger user=ledger"))
attempt("live2", lambda: psycopg.connect("dbname=ledger"))
attempt("superuser", lambda: psycopg.connect("dbname=ledger user=postgres"))
attempt("network", lambda: socket.create_connection(("127.0.0.1", 22), 2))
attempt("cache", lambda: socket.socket(socket.AF_UNIX).connect("/run/valkey-ledger-cache/valkey.sock"))
attempt("broker", lambda: socket.socket(socket.AF_UNIX).connect("/run/valkey-ledger-broker/valkey.sock"))
attempt("data", lambda: sorted(os.listdir(os.environ["GATEHOUSE_DATA_DIR"])))
attempt("mail", lambda: send_mail("a", "b", "c@example.com", ["d@example.com"]))
attempt("own cache", lambda: cache.set("a", "b"))
from ledger.tasks import write
attempt("task", lambda: write.delay("from a rehearsal") and "kept")
raise RuntimeError("; ".join(found))
"""


@pytest.mark.long
def test_it_reaches_nothing_that_is_live(host, ledger, tmp_path):
    host.check_output("runuser -u ledger -- touch /srv/ledger/data/live")
    project, name = variant(tmp_path, work=HOSTILE.format())
    said = refused(host, project)
    host.check_output("rm /srv/ledger/data/live")
    assert f"the migration {name} fails on a copy of the data" in said
    assert (
        "live: no; live2: no; superuser: no; network: no; cache: no; broker: no; data: ['media']; mail: 1; "
        "own cache: None; task: kept"
    ) in said
    assert "from a rehearsal" not in ledger.get("/").json()["entries"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("raise ValueError('no such row')", "ValueError: no such row"),
        ("os._exit(0)", "reported no error"),
    ],
)
def test_a_migration_that_fails_refuses_the_deployment(host, tmp_path, work, said):
    project, _name = variant(tmp_path, work=work)
    found = refused(host, project)
    assert said in found
    assert "on a copy of the data" in found


# The report of a process that knows its token, and applied nothing.
FORGED = """
import sys
if "gatehouse_rehearse" in sys.argv[0]:
    import gatehouse_migrate
    gatehouse_migrate.migrate = lambda alias: None
"""


@pytest.mark.long
def test_success_is_verified(host, tmp_path):
    project, name = variant(tmp_path, **{"+ledger/settings.py": FORGED})
    assert f"the migration {name} was not applied to the copy" in refused(host, project)


HIDDEN = """
connection.cursor().execute("LOCK TABLE ledger_entry IN ACCESS EXCLUSIVE MODE")
time.sleep(1)
import sys
sys.modules["__main__"].Locks.report = lambda self: []
"""
# Django knows no transaction here.
UNSEEN = """
cursor = connection.cursor()
cursor.execute("BEGIN; LOCK TABLE ledger_entry IN SHARE MODE; SELECT pg_sleep(1); COMMIT")
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("work", "atomic", "mode"),
    [
        (HIDDEN, True, "ACCESS EXCLUSIVE"),
        (UNSEEN, False, "SHARE"),
    ],
    ids=["hidden", "not atomic"],
)
def test_locks_are_seen_from_outside(host, tmp_path, work, atomic, mode):
    project, name = variant(tmp_path, work=work, atomic=atomic)
    said = refused(host, project, rehearse={"refuse_locks_over": "500ms"})
    assert f"{name} holds {mode} on ledger_entry for " in said


# The table is rewritten, and the lock is held for two more seconds.
ELSEWHERE = """
connection.cursor().execute("ALTER TABLE stats.visits ALTER number TYPE bigint")
time.sleep(2)
"""
LOCALHOST = """
DATABASES["default"] = {"ENGINE": "django.db.backends.postgresql", "NAME": "ledger", "USER": "ledger"}
DATABASES["default"] |= {"HOST": "localhost", "PASSWORD": "for-this-test"}
"""


@pytest.mark.long
def test_a_table_of_another_schema_in_a_database_at_localhost(host, tmp_path, undo):
    undo("cd / && runuser -u postgres -- psql -Xqd ledger -c 'DROP SCHEMA stats CASCADE'")
    undo("cd / && runuser -u postgres -- psql -Xqc 'ALTER ROLE ledger PASSWORD NULL'")
    made = "CREATE SCHEMA stats; CREATE TABLE stats.visits (number int); INSERT INTO stats.visits VALUES (1)"
    host.check_output("cd / && runuser -u ledger -- psql -Xqd ledger -c %s", made)
    sql(host, "ALTER ROLE ledger PASSWORD 'for-this-test'")
    project, name = variant(tmp_path, work=ELSEWHERE, **{"+ledger/settings.py": LOCALHOST})
    # The settings name the database, not the inventory.
    said = refused(host, project, rehearse={"refuse_locks_over": "1s"}, database="")
    assert f"{name} holds ACCESS EXCLUSIVE on stats.visits for 2." in said
    assert "; rewrites stats.visits\n" in said


@pytest.mark.long
def test_a_file_of_sqlite_is_copied(host, address, tmp_path):
    archive, text = Visitor(address, "archive.example.test"), uuid4().hex
    assert archive.get(f"/add/{text}").status == 200
    rows = "apps.get_model('ledger', 'Entry').objects"
    project, name = variant(tmp_path, work=f"{rows}.all().delete()\nraise ValueError('deleted')")
    assert "ValueError: deleted" in refused(host, project, "archive")
    assert archive.get("/").json()["entries"][-1] == text
    project, name = variant(tmp_path, work="pass", operations=REQUIRED)
    said = refused(host, project, "archive", rehearse={"refuse_new_errors": True})
    assert f"it does not know the column {name.partition('_')[2]} there, which the migrations require" in said
    project, name = variant(tmp_path, work=f"assert {rows}.filter(text='{text}').exists()")
    played = start_deploy(host, project, "archive", rehearse={"refuse_locks_over": "0s"}).finish()
    assert played.code == 0, played.output
    assert f"archive: {name}: " in played.output
    assert "locks are not applicable to SQLite" in played.output
    assert archive.get("/").json()["entries"][-1] == text
    assert is_clean(host, "archive")


# Kills the run of an app, the first argument, when a file exists, or with a third argument is gone again.
KILL = f"""{HOLDER}
app, path, *gone = sys.argv[1:]
deadline = time.monotonic() + 120
def wait(look):
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.002)
wait(lambda: os.path.exists(path))
if gone:
    wait(lambda: not os.path.exists(path))
kill_holder("/run/gatehouse/locks/app-" + app)
"""
COPIES = "/srv/{app}/copies/rehearsal"
MOMENTS = {
    "made": ("ledger", COPIES),
    "dumping": ("ledger", f"{COPIES}/dump"),
    "loaded": ("ledger", f"{COPIES}/dump", "gone"),
    "migrating": ("ledger", f"{COPIES}/env"),
    "copying a file": ("archive", f"{COPIES}/stage"),
    "migrating a file": ("archive", f"{COPIES}/env"),
    "removing": ("ledger", f"{COPIES}/env", "gone"),
}


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_one_leaves_live_data_and_is_cleaned_up(host, address, tmp_path, moment):
    app, path, *gone = MOMENTS[moment]
    visitor, text = Visitor(address, f"{app}.example.test"), uuid4().hex
    assert visitor.get(f"/add/{text}").status == 200
    before, rows = release_of(host, app), visitor.get("/").json()["entries"]
    work = "apps.get_model('ledger', 'Entry').objects.using(editor.connection.alias).update(text='rehearsed')\n"
    work += "assert os.environ['DJANGO_SETTINGS_MODULE'] == 'gatehouse_copy'\ntime.sleep(2)"
    project, _name = variant(tmp_path, work=work)
    play = start_deploy(host, project, app, rehearse=True)
    words = [app, path.format(app=app), *gone]
    assert "killed" in host.check_output("python3 -c %s " + " ".join(["%s"] * len(words)), KILL, *words)
    assert play.finish().code != 0
    assert release_of(host, app) == before
    assert visitor.get("/").json()["entries"] == rows
    # The next one, of another release, needs no rehearsal of its own for it.
    again = start_deploy(host, variant_in(tmp_path, {}), app).finish()
    assert again.code == 0, again.output
    assert visitor.get("/").json()["entries"] == rows
    assert is_clean(host, app)

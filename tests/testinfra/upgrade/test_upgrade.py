"""The upgrade from PostgreSQL 15 to 17 under visitors, also when it is killed, and the way back."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from helpers.backups import STATE, back_up
from helpers.hosts import eventually
from helpers.locks import HOLDER
from helpers.module import call
from helpers.play import REPOSITORY, run_play
from upgrades import JOURNAL, NEW, OLD

LOCK = "/run/gatehouse/locks/postgresql-upgrade"
# Kills the upgrade when the expression, which is the argument, is true.
KILL = f"""{HOLDER}
from os.path import exists
def text(path):
    try:
        return open(path).read()
    except OSError:
        return ""
journal, lock = sys.argv[2:]
deadline = time.monotonic() + 600
while not eval(sys.argv[1]):
    assert time.monotonic() < deadline
    time.sleep(0.005)
kill_holder(lock)
"""
PROVEN = """'"is_proven": true' in text(journal)"""
# When it is killed, and which cluster serves after the next run.
MOMENTS = {
    "rehearsed": ("exists('/var/lib/postgresql/17/gatehouse_rehearsal/PG_VERSION')", OLD),
    "stopped": ("exists(journal) and not exists('/run/postgresql/.s.PGSQL.5432')", OLD),
    "copied": ("exists('/var/lib/postgresql/17/main/PG_VERSION')", OLD),
    "compared": ("exists('/run/postgresql/17-main.pid')", OLD),
    "proven": (PROVEN, NEW),
    "switched": (f"{PROVEN} and '\\nport = 5432' in text('/etc/postgresql/17/main/postgresql.conf')", NEW),
}
TRAP = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
  IF current_setting('is_superuser') = 'on' THEN CREATE ROLE sprung; END IF;
  RETURN true;
END $$;
CREATE FUNCTION trap.equal(a name, b name) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
  RETURN trap.spring() AND a OPERATOR(pg_catalog.=) b;
END $$;
CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.equal);
CREATE VIEW trap.pg_extension AS SELECT * FROM pg_catalog.pg_extension WHERE trap.spring();
CREATE VIEW trap.pg_tables AS SELECT * FROM pg_catalog.pg_tables WHERE trap.spring();
ALTER DATABASE ledger SET search_path = trap, public, pg_catalog
"""


NO_TRAP = "ALTER DATABASE ledger RESET search_path; DROP SCHEMA IF EXISTS trap CASCADE"


@pytest.fixture
def trap(upgrade):
    """The search_path leads to views and an operator of the app, which make a role `sprung` as the superuser."""
    upgrade.sql(f"SET ROLE ledger; {TRAP}")
    yield
    upgrade.sql(NO_TRAP)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(host, upgrade, ledger, old, moment):
    expression, serves = MOMENTS[moment]
    before = upgrade.rows()
    step = "rehearse" if moment == "rehearsed" else "upgrade"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(call, host, "postgresql_upgrade", step=step)
        assert host.check_output("python3 -c %s %s %s %s", KILL, expression, JOURNAL, LOCK) == "killed"
        assert running.result()["failed"]
    if step == "upgrade":
        assert "was interrupted; the next run" in upgrade.play().output
    after = call(host, "postgresql_upgrade", step=step)
    assert not after["failed"], after["msg"]
    assert {name for name, port in upgrade.clusters().items() if port == "5432"} == {serves}
    assert (upgrade.rows(), upgrade.leftovers()) == (before, [])
    eventually(lambda: ledger.get("/").status, until=lambda status: status == 200)


class Writer(threading.Thread):
    """A visitor who writes; `written` is what was acknowledged, `others` the other answers."""

    def __init__(self, visitor):
        super().__init__(daemon=True)
        self.visitor, self.written, self.others, self.ended = visitor, [], [], threading.Event()

    def run(self):
        while not self.ended.wait(0.05):
            text = uuid4().hex
            answer = self.visitor.get(f"/add/{text}")
            if answer.status == 200:
                self.written.append(text)
            else:
                self.others.append((answer.status, answer.headers.get("Retry-After")))


# `old` comes last: the trap is removed from the old cluster, too.
def test_upgraded_under_visitors_and_back(host, upgrade, ledger, trap, old):
    before = upgrade.rows()[0]
    visitor = Writer(ledger)
    visitor.start()
    played = upgrade.play(confirm=upgrade.name)
    visitor.ended.set()
    visitor.join()
    assert played.code == 0, played.output
    for text in (
        "rehearsed on a copy: 15/main to 17/main. The apps will have no database for about ",
        "PostgreSQL 17/main serves on port 5432 instead of 15/main",
        "german: 1 indexes built anew",
        "ledger: 3 indexes built anew, as their collation changed: public.names_icu, public.names_name_key, ",
        "ledger: public.parts: partitions by ranges of text",
        "app ledger answers",
        "is the way back (-e back=true)",
    ):
        assert text in played.output
    # All that was acknowledged is there; the others got the page of nginx.
    entries = set(ledger.get("/").json()["entries"])
    assert set(visitor.written) <= entries
    assert set(visitor.others) == {(502, "60")}
    assert upgrade.rows()[0] == before
    assert upgrade.clusters() == {OLD: None, NEW: "5432"}
    upgrade.sql(NO_TRAP)
    assert upgrade.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'sprung'") == "0"
    # Settings, versions of collations, statistics.
    assert upgrade.sql("SHOW log_min_duration_statement") == "5s"
    outdated = "datcollversion <> pg_database_collation_actual_version(oid)"
    assert upgrade.sql(f"SELECT count(*) FROM pg_database WHERE {outdated}") == "0"
    assert upgrade.sql("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'names'") == "t"
    assert "nothing to upgrade" in upgrade.play().output
    # The roles use the new one, also the backup and its drill.
    site = run_play(REPOSITORY / "playbooks/site.yml", host)
    assert "changed=0 " in site, site
    assert back_up(host, "ledger")
    host.check_output("systemctl start gatehouse-drill@ledger.service")
    drilled = json.loads(host.check_output("cat %s/ledger/drill.json", STATE))
    assert drilled["last"]["result"] == "ok", drilled
    # What goes back loses what was written since, and says it.
    for _time in range(2):
        assert ledger.get(f"/add/{uuid4().hex}").status == 200
    lost = "would be lost in database ledger: public.ledger_entry: "
    said = eventually(lambda: upgrade.play(back=True), until=lambda played: lost in played.output)
    assert f"add -e confirm={upgrade.name}. Nothing was changed." in said.refusal
    assert upgrade.clusters() == {OLD: None, NEW: "5432"}

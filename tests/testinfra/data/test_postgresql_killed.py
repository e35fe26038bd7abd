"""A backup or a restore of PostgreSQL is killed: live data stay, nothing of a dump is left, and the next run works."""

from uuid import uuid4

import pytest
from helpers.backups import STATE, back_up, record, service
from helpers.hosts import eventually
from helpers.locks import HOLDER
from helpers.module import call
from helpers.play import REPOSITORY, Play
from plays import sql

RESTORE = REPOSITORY / "playbooks/restore.yml"
UPLOAD = "/srv/ledger/data/upload"
VIEW = f"{STATE}/ledger/view"
# What is left of a backup: dumps, and copies of SQLite.
LEFT = f"ls -d {VIEW} /srv/*/data/.gatehouse-backup-* 2>/dev/null || true"
# Kills the unit, or the run that holds the lock, as soon as an expression is true.
KILL = f"""{HOLDER}
import glob, subprocess
def runs(*words):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path) as file:
                found = file.read().split("\\0")
        except OSError:
            continue
        if os.path.basename(found[0]) == words[0] and {{*words[1:]}} <= {{*found}}:
            return True
    return False
def databases(name):
    asked = ["runuser", "-u", "postgres", "--", "psql", "-XAtqc", "SELECT datname FROM pg_database"]
    names = subprocess.run(asked, stdout=subprocess.PIPE, text=True, cwd="/").stdout.split()
    return any(one.startswith(name) for one in names)
look, target = compile(sys.argv[1], "look", "eval"), sys.argv[2]
deadline = time.monotonic() + 120
while not eval(look):
    assert time.monotonic() < deadline
    time.sleep(0.002)
if target.endswith(".service"):
    subprocess.run(["systemctl", "kill", "--signal=KILL", target], check=True)
    print("killed")
else:
    kill_holder(target)
"""


@pytest.fixture
def write(host, ledger):
    """write(): a visitor writes a row, and the app a file with the same text."""

    def write():
        text = uuid4().hex
        assert ledger.get(f"/add/{text}").status == 200
        host.check_output("runuser -u ledger -- sh -c %s", f"echo {text} >{UPLOAD}")
        return text

    yield write
    host.check_output("rm -f %s", UPLOAD)


def rows(ledger):
    return ledger.get("/").json()["entries"]


BACKUP_MOMENTS = {
    "began": f"os.path.exists('{VIEW}')",
    "dumping": f"os.path.exists('{VIEW}/databases/default.pgdump')",
    "dumped": f"os.path.exists('{VIEW}/manifest.json')",
    "storing": "runs('restic', 'backup')",
    "removing old ones": "runs('restic', 'forget')",
    "checking": "runs('restic', 'check')",
}


@pytest.mark.parametrize(
    "moment",
    [one if one == "dumping" else pytest.param(one, marks=pytest.mark.long) for one in BACKUP_MOMENTS],
)
def test_a_backup(host, ledger, write, undo, moment):
    undo("systemctl reset-failed 'gatehouse-backup*'")
    write()
    before = rows(ledger)
    host.check_output("systemctl start --no-block %s", service("ledger"))
    killed = host.check_output("python3 -c %s %s %s", KILL, BACKUP_MOMENTS[moment], service("ledger"))
    assert killed == "killed"
    eventually(lambda: host.check_output(LEFT), until=lambda left: left == "")
    assert host.check_output("systemctl show --property=Result --value %s", service("ledger")) == "signal"
    assert record(host, "ledger")["last"]["result"] == "running"
    assert rows(ledger) == before
    assert back_up(host, "ledger")["result"] == "ok"
    assert host.check_output(LEFT) == ""


RESTORE_MOMENTS = {
    "fetching": f"os.path.exists('{STATE}/ledger/restore.json')",
    "loading": "databases('ledger_restored')",
    "stopped": "not os.path.exists('/srv/ledger/current/web.sock')",
    "exchanged": "databases('ledger_before_')",
    "moved": "glob.glob('/srv/ledger/before-restore-*/data/later')",
}


@pytest.mark.long
@pytest.mark.parametrize("moment", RESTORE_MOMENTS)
def test_a_restore(host, ledger, write, undo, moment):
    undo("rm -rf /srv/ledger/before-restore-* /srv/ledger/data/later")
    others = "SELECT datname FROM pg_database WHERE datname ~ '^ledger_(before_|restored)'"
    undo(f'cd / && runuser -u postgres -- psql -XAtqc "{others}" | xargs -rn1 runuser -u postgres dropdb')
    old = write()
    back_up(host, "ledger")
    new = write()
    host.check_output("runuser -u ledger -- touch /srv/ledger/data/later")
    play = Play(RESTORE, host, app="ledger", confirm="ledger")
    lock = "/run/gatehouse/locks/app-ledger"
    assert host.check_output("python3 -c %s %s %s", KILL, RESTORE_MOMENTS[moment], lock) == "killed"
    assert play.finish().code != 0
    # Nothing that is served mixes them.
    answer = ledger.get("/")
    if answer.status == 200:
        row = answer.json()["entries"][-1]
        assert row in (old, new)
        assert host.file(UPLOAD).content_string.strip() == row
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["ledger"])["findings"]]
    assert any("A restore of ledger was interrupted" in cause for cause in causes), causes
    again = call(host, "django_restore", app="ledger", confirm="ledger")
    assert not again["failed"], again
    eventually(lambda: ledger.get("/").status == 200)
    assert rows(ledger)[-1] == old
    assert host.file(UPLOAD).content_string.strip() == old
    assert not host.file(f"{STATE}/ledger/restore.json").exists
    assert sql(host, "SELECT count(*) FROM pg_database WHERE datname = 'ledger_restored'") == "0"

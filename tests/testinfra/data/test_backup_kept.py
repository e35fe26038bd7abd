"""What a repository keeps, what is read of it again each day, and what is told of a backup that is old or damaged."""

import json
from datetime import date, timedelta

import pytest
from helpers.backups import PASSWORD, STATE, as_app, back_up, record, service
from helpers.module import call
from helpers.play import REPOSITORY, run_play

pytestmark = pytest.mark.long
HOME = {"password": PASSWORD, "password_kept": True, "keep": {"daily": 2}}
ON_FAILURE = "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'"
UPLOAD = "/srv/archive/data/upload"
LOCAL = "/var/backups/gatehouse/archive"
SEPARATE = "/var/backups/lab-kept"
DAYS = (1, 2, 3, 8, 9, 15, 16, 22, 33, 34, 64, 65, 95, 96, 130, 160)  # ago
KEEP = {"daily": 2, "weekly": 3, "monthly": 4}
PERIODS = {
    "daily": lambda day: day,
    "weekly": lambda day: day.isocalendar()[:2],
    "monthly": lambda day: (day.year, day.month),
}


@pytest.fixture
def separate(host, undo):
    """A repository of the test alone; afterwards that of the inventory."""
    undo(f"rm -rf {SEPARATE}")
    yield
    assert not call(host, "django_backup", app="archive", backup=HOME | {"on_failure": ON_FAILURE})["failed"]


def restic(host, *words):
    command = f"RESTIC_PASSWORD_FILE={STATE}/archive/password restic --no-cache --repo {SEPARATE}"
    return host.check_output(f"{command} {' '.join(['%s'] * len(words))}", *words)


def kept_of(days):
    """The last one of each of the newest days, weeks and months."""
    kept = set()
    for name, number in KEEP.items():
        newest = {PERIODS[name](day): day for day in sorted(days)}
        kept |= {*sorted(newest.values())[-number:]}
    return kept


def test_the_last_one_of_each_day_week_and_month_is_kept(host, separate):
    made = call(host, "django_backup", app="archive", backup=HOME | {"to": SEPARATE, "keep": KEEP})
    assert not made["failed"], made
    # It can join the first one, which has just been started.
    back_up(host, "archive")
    today = date.fromisoformat(host.check_output("date +%F"))
    days = {today, *(today - timedelta(number) for number in DAYS)}
    name = host.check_output("hostname")
    for day in days - {today}:
        words = ["--tag", "archive", "--host", name, "--time", f"{day} 12:00:00", "/etc/hostname"]
        restic(host, "backup", "--quiet", *words)
    assert back_up(host, "archive")["result"] == "ok"
    found = [date.fromisoformat(one["time"][:10]) for one in json.loads(restic(host, "snapshots", "--json"))]
    assert found == sorted(kept_of(days))


# What the unit runs, in so many days.
LATER = """
import sys, time
sys.path.insert(0, "/usr/local/lib/gatehouse/backup")
from ansible_collections.gatehouse.django.plugins.module_utils._backup.program import main
now, seconds = time.time, int(sys.argv[1]) * 86400
time.time = lambda: now() + seconds
sys.exit(main(["run", "archive"]))
"""
# Changes a bit in the middle of a file.
DAMAGE = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(os.path.getsize(sys.argv[1]) // 2)
    found = file.read(1)[0]
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([found ^ 1]))
"""


def test_a_damaged_file_is_found_on_the_day_of_its_part(host, undo):
    """Each day another one of 30 parts is read again. restic knows the part of a file by its name."""
    undo(f"systemctl start {service('archive')}; rm -f {UPLOAD}")
    as_app(host, "archive", f"head --bytes=3M /dev/urandom >{UPLOAD}")
    assert back_up(host, "archive")["result"] == "ok"
    pack = host.check_output(f"find {LOCAL}/data -type f -newer {UPLOAD} -size +2M")
    today = int(host.check_output("date +%s")) // 86400
    days = (int(pack.rpartition("/")[2][:2], 16) - today) % 30

    def run(later):
        begin = "systemd-run --quiet --wait --pipe --collect --property=PrivateMounts=yes python3 -B -c %s %s"
        return host.run(begin, LATER, str(later))

    host.check_output("chmod u+w %s && python3 -c %s %s", pack, DAMAGE, pack)
    try:
        for others in (days - 1, days + 1):
            done = run(others)
            assert done.rc == 0, done.stderr
        done = run(days)
        assert done.rc == 1
        assert f"The backup of archive failed: restic check failed on {LOCAL}: " in done.stderr
        last = record(host, "archive")["last"]
        assert last["result"] == "failed"
        causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["archive"])["findings"]]
        said = f"The backup of archive of {last['began']} failed: restic check failed on {LOCAL}: "
        assert any(cause.startswith(said) for cause in causes), causes
    finally:
        host.check_output("python3 -c %s %s", DAMAGE, pack)
    done = run(days)
    assert done.rc == 0, done.stderr


# Writes into the record that the last backup began so many hours ago, and prints when.
OLDER = """
import json, sys, time
path = sys.argv[1]
with open(path) as file:
    found = json.load(file)
began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600 * int(sys.argv[2])))
for key in ("last", "success"):
    found[key]["began"] = began
with open(path, "w") as file:
    json.dump(found, file)
print(began)
"""


@pytest.mark.parametrize(("hours", "is_told"), [(47, False), (49, True)])
def test_an_old_one_is_told(host, undo, hours, is_told):
    undo(f"systemctl start {service('archive')}")
    back_up(host, "archive")
    began = host.check_output("python3 -c %s %s/archive/record.json %s", OLDER, STATE, str(hours))
    causes = [finding["cause"] for finding in call(host, "django_doctor", apps=["archive"])["findings"]]
    said = f"The newest backup of archive is of {began}, more than two days ago."
    assert causes == ([said] if is_told else [])
    shown = run_play(REPOSITORY / "playbooks/status.yml", host, app="archive")
    assert f"{host.backend.name} archive: backup {began[:16].replace('T', ' ')} ok, " in shown

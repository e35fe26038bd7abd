"""The throwaway host: its data, how they change, and what work costs."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.lab import Host

HOST = Host("gatehouse-bench-data")
ROWS, FILES = 1_000_000, 500
MEDIA = "/srv/guestbook/data/media/attachments"
REPOSITORY = "/var/backups/gatehouse/guestbook"
STATE = "/var/lib/gatehouse/backup/guestbook"
# Random text, of which compression leaves three quarters: 440 characters in each row.
TEXT = " || ".join(["translate(encode(sha512((random() || '{0}' || i)::bytea), 'base64'), E'\\n', '')"] * 5)
FILL = f"""
INSERT INTO entries_entry (name, message, attachment, created)
SELECT 'visitor ' || i, {TEXT.format("new")}, '', now() - (%d - i) * interval '1 second'
FROM generate_series(1, %d) AS i
"""
CHANGE = f"""
UPDATE entries_entry SET message = new.text FROM (
  SELECT i, {TEXT.format("changed")} AS text FROM (SELECT id AS i FROM entries_entry WHERE {{which}}) AS chosen
) AS new WHERE id = new.i
"""
NEWEST = f"id > (SELECT max(id) FROM entries_entry) - {ROWS // 100}"
SPREAD = "id % 100 = 0"


def address() -> str:
    return HOST.run("hostname", "--all-ip-addresses").split()[0]


def sql(statement: str) -> str:
    words = ["psql", "-XAtqd", "guestbook", "-v", "ON_ERROR_STOP=1", "-c", statement]
    return HOST.run("runuser", "-u", "postgres", "--", "env", "-C", "/", *words)


def fill() -> str:
    """Make the data; return how much they are."""
    sql(FILL % (ROWS, ROWS))
    sql("VACUUM ANALYZE entries_entry")
    _write_files(1, FILES)
    size = sql("SELECT pg_size_pretty(pg_database_size('guestbook'))")
    files = HOST.run("du", "-sh", MEDIA).split()[0]
    return f"{ROWS:,} rows ({size} with their indexes), {FILES} files ({files}iB)"


def change(which: str) -> None:
    """Change one per cent: of the rows those that *which* chooses, and of the files."""
    sql(CHANGE.format(which=which))
    _write_files(1, FILES // 100)


def _write_files(first: int, last: int) -> None:
    script = (
        f"mkdir -p {MEDIA}; for i in $(seq {first} {last}); do head -c 1M /dev/urandom >{MEDIA}/$i.jpg; done;"
        f"chown -R guestbook:www-data {MEDIA}"
    )
    HOST.run("sh", "-c", script)


def fingerprint() -> str:
    """The same before a backup and after its restore."""
    rows = sql("SELECT count(*) || ' ' || sum(hashtextextended(message, 0)) FROM entries_entry")
    files = HOST.run("sh", "-c", f"cd {MEDIA} && sha256sum * | sha256sum")
    return f"{rows} {files}"


def cpu() -> float:
    """The CPU seconds of all processes of the host so far."""
    used = dict(line.split() for line in HOST.run("cat", "/sys/fs/cgroup/cpu.stat").splitlines())
    return int(used["usage_usec"]) / 1e6


def sizes_of_ours() -> tuple[float, float]:
    """What the last backup has added before compression, and what is stored, in MB."""
    return record("record")["added"] / 1e6, _size(REPOSITORY)


def sizes_of_plain() -> tuple[float, float]:
    last = HOST.run("sh", "-c", "ls -d /var/backups/plain/* | tail -n 1")
    return _size(last), _size("/var/backups/plain")


def _size(path: str) -> float:
    return int(HOST.run("du", "-sb", path).split()[0]) / 1e6


def record(name: str) -> dict[str, Any]:
    """The last run that a record of the backups names."""
    last: dict[str, Any] = json.loads(HOST.run("cat", f"{STATE}/{name}.json"))["last"]
    return last


def stop_timers() -> None:
    """Leave it to the benchmark when a backup and a drill run."""
    HOST.run("systemctl", "stop", "gatehouse-backup@guestbook.timer", "gatehouse-drill@guestbook.timer")


def tools() -> str:
    """The versions of what both ways work with."""
    looks = "pg_dump --version; restic version; tar --version | head -n 1; zstd --version | tr -d '*'"
    return ", ".join(line.strip() for line in HOST.run("sh", "-c", looks).splitlines())

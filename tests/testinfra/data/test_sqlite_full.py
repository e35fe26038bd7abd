"""The file system of an app's data is full: SQLite cannot write, and what was written stays."""

from uuid import uuid4

import pytest
from helpers.hosts import release_of, unit
from helpers.http import Visitor
from helpers.module import call
from plays import start_deploy, variant_in

DATA, COPY, SIZE = "/srv/archive/data", "/mnt/archive", 16  # MB
MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL("CREATE TABLE ledger_more (n int)")]
"""


@pytest.fixture
def archive(address):
    return Visitor(address, "archive.example.test")


@pytest.fixture
def full(host, undo):
    """The data are on a small file system of their own, which is full."""
    web = unit(host, "archive", "service")
    undo(f"systemctl start {web}")
    undo(f"rm -f {COPY}/fill; umount {DATA} && cp -a {COPY}/. {DATA} && umount {COPY}; rmdir {COPY}")
    undo(f"systemctl stop {web}")
    host.check_output(
        f"systemctl stop {web} && mkdir {COPY} && mount -t tmpfs -o size={SIZE}m small {COPY} && "
        f"cp -a {DATA}/. {COPY} && chown --reference={DATA} {COPY} && chmod --reference={DATA} {COPY} && "
        f"mount --bind {COPY} {DATA} && "
        f"systemctl start {web}"
    )
    assert host.check_output(f"df --output=size --block-size=1M {DATA} | tail -1").strip() == str(SIZE)
    host.run(f"head --bytes=1G /dev/zero > {DATA}/fill")
    assert host.check_output(f"df --output=avail {DATA} | tail -1").strip() == "0"


@pytest.mark.long
def test_a_full_disk_loses_nothing_that_was_acknowledged(host, archive, full, tmp_path):
    before, served = archive.get("/").json()["entries"], release_of(host, "archive")
    assert archive.get(f"/add/{uuid4().hex}").status == 500
    assert archive.get("/").json()["entries"] == before

    # The doctor requests this page as well, and Django does not log errors of pages by default.
    (finding,) = call(host, "django_doctor", url=f"http://archive.example.test/add/{uuid4().hex}")["findings"]
    assert finding["cause"].startswith(f"The file system of {DATA} is full: archive cannot write")
    assert [one.rpartition(" ")[2] for one in finding["explains"]] == ["500"]

    project = variant_in(tmp_path, {"ledger/migrations/0002_more.py": MIGRATION})
    played = start_deploy(host, project, "archive").finish()
    assert played.code != 0
    assert "the databases are not migrated" in played.refusal
    assert f"the file system of {DATA} has 0 MB for it" in played.refusal
    assert release_of(host, "archive") == served

    host.check_output(f"rm {DATA}/fill")
    text = uuid4().hex
    assert archive.get(f"/add/{text}").status == 200
    assert archive.get("/").json()["entries"] == [*before, text]

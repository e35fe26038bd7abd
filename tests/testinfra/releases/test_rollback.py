"""The way back: by the playbook, by release, by hand; and past a migration only with an explicit word."""

import time

import pytest
from helpers.hosts import release_of
from helpers.http import Visitor
from helpers.load import load
from helpers.module import call
from helpers.steady import deploy, failed, releases, rollback, site_of, start_deploy, try_rollback

NAME = site_of("steady")
MIGRATION = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("steady", "0001_initial")]
    operations = [migrations.AddField("note", "mark", models.CharField(max_length=10, null=True))]
"""
WITH_MIGRATION = {
    "steady/migrations/0002_note_mark.py": MIGRATION,
    "+steady/models.py": '\n\nNote.add_to_class("mark", models.CharField(max_length=10, null=True))\n',
}


@pytest.fixture
def two(host, variant):
    """The release that is served, and the one that was served before."""
    before = deploy(host, variant())
    return deploy(host, variant()), before


def served(host, address):
    """The release that answers, which must be the one that is said to be served."""
    release = Visitor(address, NAME).get("/").json()["release"]
    assert release == release_of(host, "steady")
    return release


def test_back_and_forth(host, address, two):
    now, before = two
    # The default is the release that was served before, also after a rollback.
    assert rollback(host) == before == served(host, address)
    assert rollback(host) == now == served(host, address)
    (app,) = call(host, "django_status", app="steady")["apps"]
    changes = [(one["action"], one["result"], one["before"], one["release"]) for one in app["deployments"][:3]]
    assert changes == [("rollback", "ok", before, now), ("rollback", "ok", now, before), ("deploy", "ok", before, now)]
    oldest = min(releases(host) - {now, before}, default=before)
    assert rollback(host, release=oldest) == oldest == served(host, address)


def test_what_cannot_be_gone_back_to_is_refused(host, address, variant):
    now = served(host, address)
    assert start_deploy(host, variant({"+steady/settings.py": "\n1 / 0\n"})).finish().code != 0
    (bad, *_older) = failed(host)
    for wanted in (bad, "0123456789ab-01234567"):
        played = try_rollback(host, release=wanted)
        assert played.code != 0
        for word in (wanted, *releases(host)):
            assert word in played.refusal
    assert served(host, address) == now


def test_a_migration_stands_in_between(host, address, variant):
    before = served(host, address)
    now = deploy(host, variant(WITH_MIGRATION))
    played = try_rollback(host)
    assert played.code != 0
    for word in ("steady.0002_note_mark", "-e ignore_migrations=true"):
        assert word in played.refusal
    assert served(host, address) == now
    assert rollback(host, ignore_migrations=True) == before == served(host, address)


def test_by_hand_and_then_by_a_play(host, address, variant):
    """The commands of the role's README."""
    now = served(host, address)
    wanted = min(releases(host) - {now}, default=now)
    if wanted == now:
        now = deploy(host, variant())
    # As the README says, pages of the newer release miss their static files.
    with load(address, NAME, ["get", "get once", "write", "slow"]) as seen:
        host.check_output("systemctl start steady-web@%s.service", wanted)
        host.check_output("ln -s releases/%s /srv/steady/next && mv -T /srv/steady/next /srv/steady/current", wanted)
        time.sleep(3)
        host.check_output("systemctl stop steady-web@%s.socket steady-web@%s.service", now, now)
        stopped = time.monotonic()
        time.sleep(3)
    assert seen.failures == []
    assert seen.releases == [now, wanted]
    assert seen.releases_since(stopped) == {wanted}
    new = deploy(host, variant())
    assert served(host, address) == new
    running = host.check_output("systemctl list-units --plain --no-legend --full 'steady-web@*.service'")
    assert [line.split()[0] for line in running.splitlines() if " running " in line] == [f"steady-web@{new}.service"]

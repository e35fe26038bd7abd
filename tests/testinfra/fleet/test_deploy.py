"""A release is deployed to all hosts of an app or to none, and its databases are migrated once."""

import pytest
from helpers.hosts import eventually
from members import APP, NO_BUILD, NO_START, NO_SWITCH, Project, beats, deploy, deployed, served

ROLLBACK_TARGETS = f"ls /srv/{APP}/releases/*/.activated"
LOCK = int.from_bytes(b"gatehous", "big")
RUNNING = f"systemctl list-units --plain --no-legend '{APP}-web@*.service'"
END_SLEEP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)' AND state = 'active'"
)

SLEEPS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(10)%' AND pid <> pg_backend_pid()"
TAKE_LOCK = f"SELECT pg_try_advisory_xact_lock({LOCK})"


@pytest.fixture(scope="module")
def project(host, web_hosts, tmp_path_factory):
    """A project that the hosts serve. A release that failed leaves it as it was."""
    project = Project(tmp_path_factory.mktemp("fleet"))
    project.add_migration()
    deployed(host, project, web_hosts)
    return project


@pytest.fixture
def lacking(web_hosts):
    """A function that makes a host fail on demand."""
    made = []

    def make(name, path):
        web_hosts[name].check_output("touch %s", path)
        made.append((name, path))

    yield make
    for name, path in made:
        web_hosts[name].check_output("rm -f %s", path)


def rows(web_hosts):
    """The rows of the database."""
    code = "from ledger.models import Entry; print(*Entry.objects.values_list('text', flat=True))"
    first, *_others = web_hosts.values()
    return first.check_output(f"/srv/{APP}/manage shell -v 0 -c %s", code).split()


def running(web_hosts):
    """How many releases run on each host."""
    return [len(one.check_output(RUNNING).splitlines()) for one in web_hosts.values()]


def test_one_host_migrates_and_one_runs_what_runs_once(project, web_hosts):
    assert rows(web_hosts).count(project.last) == 1
    assert beats(web_hosts) == [True, False]


def test_the_user_of_an_app_has_one_number_on_all_hosts(web_hosts):
    for app in ("guestbook", "shop"):
        assert len({host.check_output(f"id -u {app}; id -g {app}") for host in web_hosts.values()}) == 1


@pytest.mark.long
def test_a_second_run_changes_nothing(host, project, web_hosts):
    assert deployed(host, project, web_hosts).output.count("changed=0") == len(web_hosts)


@pytest.mark.long
def test_a_host_that_cannot_build_stops_the_deployment_before_anything_is_migrated(host, project, web_hosts, lacking):
    before, last = served(web_hosts), list(web_hosts)[-1]
    lacking(last, NO_BUILD)
    name = project.add_migration()
    played = deploy(host, project, list(web_hosts)).finish()
    assert played.code != 0
    assert "it was not built and checked on all of its hosts. Nothing was migrated." in played.refusal, played.output
    assert f"{last}: " in played.refusal
    assert "this host cannot load the settings" in played.output
    assert served(web_hosts) == before
    assert name not in rows(web_hosts)
    assert running(web_hosts) == [1, 1]
    for one, release in zip(web_hosts.values(), before, strict=True):
        assert release in one.check_output("ls /srv/shop/releases")
        assert one.run("ls -d /srv/shop/releases/*/.prepared").rc != 0


@pytest.mark.long
def test_a_host_that_cannot_answer_keeps_the_others_from_switching(host, project, web_hosts, lacking):
    before, last = served(web_hosts), list(web_hosts)[-1]
    lacking(last, NO_START)
    project.change()
    played = deploy(host, project, list(web_hosts)).finish()
    assert played.code != 0
    assert "it does not answer on all of its hosts" in played.output, played.output
    assert "The candidate is kept" in played.refusal
    assert served(web_hosts) == before
    assert running(web_hosts) == [1, 1]


def test_a_host_that_cannot_switch_takes_the_others_back(host, project, web_hosts, lacking):
    before, (first, last) = served(web_hosts), list(web_hosts)
    targets = web_hosts[first].check_output(ROLLBACK_TARGETS)
    lacking(last, NO_SWITCH)
    name = project.add_migration()
    played = deploy(host, project, list(web_hosts)).finish()
    assert played.code != 0
    assert f"State of {first}: {before[0]} is served, as before." in played.output
    assert served(web_hosts) == before
    # The migration stays, and the release before goes on with it.
    assert rows(web_hosts).count(name) == 1
    assert running(web_hosts) == [1, 1]
    assert web_hosts[first].service("shop-watch").is_running
    assert beats(web_hosts) == [True, False]
    # The first host has served it for a moment, and no rollback returns to it. Older ones may have been removed.
    assert set(web_hosts[first].check_output(ROLLBACK_TARGETS).split()) <= set(targets.split())


@pytest.mark.long
def test_a_second_controller_does_not_migrate_at_the_same_time(host, project, web_hosts, database_host):
    before, name = served(web_hosts), project.add_migration()
    hold = f"BEGIN; SELECT pg_advisory_xact_lock({LOCK}); SELECT pg_sleep(300)"
    keep = f"runuser -u postgres -- psql -d shop -c '{hold}' >/dev/null 2>&1"
    database_host.check_output("systemd-run --unit=lab-hold sh -c %s", keep)
    try:
        played = deploy(host, project, list(web_hosts)).finish()
    finally:
        database_host.check_output("systemctl stop lab-hold")
        # Its server process goes on without its client, and holds the lock.
        database_host.check_output("cd / && runuser -u postgres -- psql -c %s", END_SLEEP)
    assert played.code != 0
    assert "another deployment has been migrating the database 'default'" in played.output
    assert served(web_hosts) == before
    assert name not in rows(web_hosts)


@pytest.mark.long
def test_a_deployment_keeps_a_second_controller_out_while_it_migrates(host, project, web_hosts, database_host):
    def ask(sql):
        return database_host.check_output("cd / && runuser -u postgres -- psql -XAtd shop -c %s", sql)

    name = project.add_migration("SELECT pg_sleep(10)")
    play = deploy(host, project, list(web_hosts))
    eventually(lambda: ask(SLEEPS) == "1", 240)
    assert ask(TAKE_LOCK) == "f"
    assert ask(SLEEPS) == "1"
    played = play.finish()
    assert played.code == 0, played.output
    assert rows(web_hosts).count(name) == 1
    assert ask(TAKE_LOCK) == "t"


@pytest.mark.long
def test_a_part_of_the_hosts_gets_no_release_that_the_others_lack(host, project, web_hosts):
    before, (first, last) = served(web_hosts), list(web_hosts)
    project.change()
    played = deploy(host, project, [first]).finish()
    assert played.code != 0
    assert f"{last} (" in played.refusal
    assert "would go on with another release" in played.refusal
    assert served(web_hosts) == before


@pytest.mark.long
def test_what_runs_on_one_host_moves_when_that_host_leaves(host, project, web_hosts, undo):
    first, last = list(web_hosts)
    deployed(host, project, web_hosts)
    assert beats(web_hosts) == [True, False]
    # It stays where it is, whatever the order of the hosts.
    web_hosts[first].check_output("rm /srv/shop/runs_once && systemctl stop shop-beat")
    web_hosts[last].check_output("touch /srv/shop/runs_once && systemctl start shop-beat")
    deployed(host, project, web_hosts)
    assert beats(web_hosts) == [False, True]
    # A reboot does not bring it back.
    web_hosts[first].check_output("systemctl start shop-beat")
    assert beats(web_hosts) == [False, True]


@pytest.mark.long
def test_hosts_that_switch_at_the_same_time_return_together(host, project, web_hosts, lacking):
    before, (first, last) = served(web_hosts), list(web_hosts)
    lacking(last, NO_SWITCH)
    project.change()
    played = deploy(host, project, [first, last], serial=2).finish()
    assert played.code != 0
    assert "could not be put into service on all of its hosts" in played.output, played.output
    assert f"State of {first}: {before[0]} is served, as before." in played.output, played.output
    assert served(web_hosts) == before
    assert running(web_hosts) == [1, 1]
    web_hosts[last].check_output("rm %s", NO_SWITCH)
    deployed(host, project, web_hosts, serial=2)
    assert not set(served(web_hosts)) & set(before)

"""A rollback over migrations takes the one database back under all hosts of an app, or under none."""

import pytest
from helpers.play import REPOSITORY, Play
from members import APP, NO_START, Project
from test_deploy import deployed, rows, running, served

ROLLBACK = REPOSITORY / "playbooks/rollback.yml"
PSQL = "cd / && runuser -u postgres -- psql -XAtqc"
EXPECTED = "/var/lib/gatehouse/expected/shop"
KEPT = f"{PSQL} \"SELECT datname FROM pg_database WHERE datname LIKE 'shop_%'\""


@pytest.fixture
def project(host, tmp_path, database_host):
    yield Project(tmp_path)
    host.check_output("rm -rf %s %s.d", EXPECTED, EXPECTED)
    for name in database_host.check_output(KEPT).splitlines():
        database_host.check_output(f"{PSQL} 'DROP DATABASE \"{name}\"'")


def rollback(host, hosts, **options):
    # The site of the inventory is that of another app.
    site = {"name": APP, "app": APP, "hosts": [host.backend.name]}
    options |= {"app": APP, "restore_database": True, "django_sites": [site]}
    return Play(ROLLBACK, host, hosts=list(hosts), **options).finish()


def test_all_hosts_return_with_the_database(host, project, web_hosts, database_host):
    before, name = served(web_hosts), project.add_migration()
    played = deployed(host, project, web_hosts)
    assert "shop: snapshot of the databases before the migrations: " in played.output
    assert rows(web_hosts).count(name) == 1

    played = rollback(host, list(web_hosts)[:1], confirm=APP)
    assert f"this run leaves out, or did not reach, {list(web_hosts)[1]}." in played.refusal
    # The balancer would pass requests on to any release.
    assert not host.file(EXPECTED).exists
    played = rollback(host, web_hosts, confirm=APP)
    assert played.code == 0, played.output
    assert served(web_hosts) == before
    assert name not in rows(web_hosts)
    assert running(web_hosts) == [1, 1]
    assert database_host.check_output(KEPT).count("shop_before_") == 1


@pytest.mark.long
def test_a_host_that_cannot_return_takes_the_others_and_the_database_back(host, project, web_hosts, database_host):
    project.change()
    deployed(host, project, web_hosts)
    name = project.add_migration()
    deployed(host, project, web_hosts)
    now = served(web_hosts)
    # The other one has the newer pg_dump, so it has the snapshot and starts first.
    failing = next(iter(web_hosts.values()))
    failing.check_output("touch %s", NO_START)
    try:
        played = rollback(host, web_hosts, confirm=APP)
    finally:
        failing.check_output("rm %s", NO_START)
    assert played.code != 0
    assert "The data of before are live." in played.output
    assert served(web_hosts) == now
    assert name in rows(web_hosts)
    assert running(web_hosts) == [1, 1]
    assert database_host.check_output(KEPT).startswith("shop_undone_")
    for one in web_hosts.values():
        assert one.service("shop-web").is_enabled
        assert not one.file("/var/lib/gatehouse/backup/shop/restore.json").exists

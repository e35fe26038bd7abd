"""A host that leaves `hosts` loses the app, not its data, and no request fails meanwhile; and back again."""

import pytest
from helpers.hosts import eventually
from helpers.play import Play
from members import seconds_between
from plays import SITE, apps
from visits import failed, ip_address, nodes, visitors

pytestmark = pytest.mark.long
APP = "guestbook"
WEB1, WEB2 = "gatehouse-fleet-web1", "gatehouse-fleet-web2"
ONCE = [{"name": "beat", "command": "sleep infinity", "run_on": "one"}]
DATABASE = f"SELECT count(*) FROM pg_hba_file_rules WHERE database[1] = '{APP}' AND address = '%s'"
KEPT = f"/srv/{APP}/data/lab-kept"


def run_site(host, hosts, **changes):
    """Run the playbook with these hosts of the app, under visitors; return the requests that failed."""
    with visitors(ip_address(host)) as answers:
        entries = apps(**{APP: {"hosts": hosts, **changes}})
        played = Play(SITE, host, hosts=["all"], app=APP, django_apps=entries).finish()
        assert played.code == 0, played.output
    assert len(answers) > 100
    return failed(answers)


def rules(database_host, web):
    """The rules in pg_hba.conf that let this host into the database."""
    sql = DATABASE % ip_address(web)
    return int(database_host.check_output("cd / && runuser -u postgres -- psql -XAtqc %s", sql))


def beats(web_hosts):
    """Whether the process that runs on one host runs on each."""
    return [one.service(f"{APP}-beat").is_running for one in web_hosts.values()]


def test_a_host_leaves_and_comes_back(host, address, web_hosts, database_host):
    first, last = web_hosts.values()
    assert run_site(host, [WEB1, WEB2], processes=ONCE) == []
    # What runs on one host runs on the one that leaves.
    first.check_output(f"rm -f /srv/{APP}/runs_once && systemctl stop {APP}-beat")
    last.check_output(f"touch /srv/{APP}/runs_once && systemctl start {APP}-beat")
    assert beats(web_hosts) == [False, True]
    assert [rules(database_host, one) for one in web_hosts.values()] == [1, 1]
    last.check_output(f"echo kept > {KEPT} && chown {APP}: {KEPT}")

    assert run_site(host, [WEB1], processes=ONCE) == []
    assert nodes(address) == {WEB1}
    assert beats(web_hosts) == [True, False]
    # It never ran twice.
    assert 0 < seconds_between(web_hosts, WEB2, WEB1, f"{APP}-beat") < 120
    assert [rules(database_host, one) for one in web_hosts.values()] == [1, 0]
    assert not last.file(f"/srv/{APP}/current").exists
    assert not last.file(f"/etc/nginx/gatehouse/live/sites/{APP}.conf").exists
    assert not last.user(APP).exists
    assert last.check_output(f"cat {KEPT}") == "kept"

    assert run_site(host, [WEB1, WEB2]) == []
    eventually(lambda: nodes(address), until=lambda found: found == {WEB1, WEB2})
    assert [rules(database_host, one) for one in web_hosts.values()] == [1, 1]
    kept = last.file(KEPT)
    assert (kept.content_string, kept.user) == ("kept\n", APP)
    last.check_output(f"rm {KEPT}")

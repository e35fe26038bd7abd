"""A host leaves an app: what runs on one host, its access to services, and a removal that was killed."""

import pytest
import yaml
from helpers.module import call
from helpers.play import REPOSITORY, Play, inventory
from members import APP, NO_SWITCH, PROCESSES, Project, beats

pytestmark = pytest.mark.long
SITE = REPOSITORY / "playbooks/site.yml"
UNIT = "valkey-server@shop-cache.service"


@pytest.fixture(scope="module")
def site(host, web_hosts, database_host, tmp_path_factory):
    """A function that runs the playbook `site` for the app, with other `hosts` than those of the inventory."""
    project = Project(tmp_path_factory.mktemp("leaving"))
    entries = yaml.safe_load((inventory(host) / "group_vars/all.yml").read_text())["django_apps"]
    (entry,) = [one for one in entries if one["name"] == APP]
    entry |= {"source": {"directory": str(project.path)}, "processes": PROCESSES}
    names = [*web_hosts, host.backend.name, database_host.backend.name]

    def site(hosts, **changes):
        apps = [entry | {"hosts": hosts, **changes}]
        return Play(SITE, host, hosts=names, tags=["apps"], app=APP, django_apps=apps).finish()

    yield site
    for name in (host.backend.name, *web_hosts):
        Play(SITE, host, hosts=[name], tags=["apps"], app=APP, django_apps=[entry | {"state": "absent"}]).finish()
    database_host.run("rm -rf /etc/systemd/system/%s.d; systemctl disable --now %s", UNIT, UNIT)
    assert site(list(web_hosts)).code == 0


def test_what_runs_on_one_host_goes_on_if_the_deployment_to_the_others_fails(host, web_hosts, site):
    first, last = web_hosts
    played = site([first, last])
    assert played.code == 0, played.output
    assert beats(web_hosts) == [True, False]
    # The last host and the balancer are the hosts of the app now, and the balancer cannot switch.
    host.check_output("touch %s", NO_SWITCH)
    try:
        played = site([last, host.backend.name])
    finally:
        host.check_output("rm %s", NO_SWITCH)
    assert played.code != 0
    assert "could not be put into service on all of its hosts" in played.output, played.output
    assert "Stop what runs on one host on hosts that leave the app]" in played.output
    assert beats(web_hosts) == [True, False]


def test_a_host_that_leaves_loses_its_access_in_the_same_run(host, web_hosts, database_host, site):
    first, last = web_hosts
    cache = {"cache": {"engine": "valkey", "host": database_host.backend.name, "memory": "64M"}}
    played = site([first, last], **cache)
    assert played.code == 0, played.output
    address = database_host.check_output("hostname --all-ip-addresses").split()[0]
    port = database_host.check_output("sed -n 's/^tls-port //p' /etc/gatehouse/valkey/shop-cache.conf")
    reach = f"timeout 3 bash -c '</dev/tcp/{address}/{port}'"
    pid = database_host.check_output("systemctl show --property MainPID --value %s", UNIT)
    assert [one.run(reach).rc for one in web_hosts.values()] == [0, 0]

    played = site([last], **cache)
    assert played.code == 0, played.output
    assert beats(web_hosts) == [False, True]
    assert [one.run(reach).rc == 0 for one in web_hosts.values()] == [False, True]
    assert not web_hosts[first].file(f"/srv/{APP}/releases").exists
    assert not web_hosts[first].check_output(f"ls /var/lib/gatehouse/access/{APP} || true")
    assert web_hosts[first].file(f"/srv/{APP}/data").exists
    second = site([last], **cache)
    assert second.code == 0, second.output
    assert second.output.count("changed=0") == 4, second.output
    assert database_host.check_output("systemctl show --property MainPID --value %s", UNIT) == pid


def test_the_next_run_finishes_a_removal_that_was_killed(web_hosts, site):
    first, last = web_hosts
    # Nothing but the directory was left.
    web_hosts[first].check_output(f"mkdir -p /srv/{APP}/releases")
    assert call(web_hosts[first], "django_status", details=False)["installed"] == ["guestbook", APP]
    played = site([last])
    assert played.code == 0, played.output
    assert call(web_hosts[first], "django_status", details=False)["installed"] == ["guestbook"]

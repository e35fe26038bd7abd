"""A web host that was off during a deployment: its old release gets no visitor, also none who sends a form.

The hosts have different versions of Debian: so their releases have different identifiers, and one can make the backup.
"""

import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import plays
import pytest
from helpers.backups import PASSWORD, back_up
from helpers.hosts import eventually, release_of
from visits import get, nodes

pytestmark = pytest.mark.long
OFF = Path(__file__).parent / "powered_off.yml"
WEB1, WEB2 = "gatehouse-fleet-web1", "gatehouse-fleet-web2"
OTHERS = "gatehouse-fleet-db,gatehouse-fleet-lb"
LOG = "/var/log/nginx/guestbook.access.log"
BACKUP = {"password": PASSWORD, "password_kept": True}
NO_START = "/etc/lab-no-start"
FAILS = f"""
import os

answer = healthz


def healthz(request):
    if os.path.exists("{NO_START}"):
        raise RuntimeError("this host cannot answer")
    return answer(request)
"""
site = partial(plays.succeeded, "gatehouse.django.site", app="guestbook")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("power-off") / "project"
    shutil.copytree(plays.SOURCES["guestbook"], directory)
    with (directory / "guestbook/probes.py").open("a") as probes:
        probes.write(FAILS)
    return directory


def deploy(project, *options, second=None, end=site):
    """Deploy the project with a backup."""
    entries = plays.apps(guestbook={"source": {"directory": str(project)}, "backup": BACKUP})
    return end(*options, second=second, django_apps=[one for one in entries if one["name"] == "guestbook"])


@pytest.fixture(scope="module", autouse=True)
def backed_up(project):
    """The app has a backup; afterwards it is as in the scenario."""
    deploy(project)
    yield
    site(django_apps=plays.apps())


def expected(host):
    """The releases that the balancer expects."""
    return set(host.check_output("basename $(readlink /var/lib/gatehouse/expected/guestbook)").split("+"))


def releases(web_hosts):
    return {release_of(one, "guestbook") for one in web_hosts.values()}


def power(word):
    subprocess.run(["podman", word, WEB2], check=True, capture_output=True)


def given_back(host, method):
    """How many requests nginx on the host gave back, because its release is not the expected one."""
    return int(host.run(f'grep -c \'"method":"{method}".*"status":503,\' {LOG}').stdout)


def test_the_balancer_expects_the_releases_of_both(host, address, web_hosts):
    assert len(releases(web_hosts)) == 2
    assert expected(host) == releases(web_hosts)
    eventually(lambda: nodes(address), until=lambda found: found == set(web_hosts))


def test_the_host_that_can_dump_the_database_makes_the_backup(web_hosts):
    timers = [one.service("gatehouse-backup@guestbook.timer") for one in web_hosts.values()]
    assert [one.is_running for one in timers] == [False, True]
    assert back_up(web_hosts[WEB2], "guestbook")["seconds"] > 0


def test_requests_to_the_old_release_go_to_the_other_host(host, address, project, web_hosts):
    old = release_of(web_hosts[WEB2], "guestbook")
    power("kill")
    try:
        (project / "variant.txt").write_text(uuid.uuid4().hex)
        deploy(project, f"--limit={OTHERS},{WEB1}", second=OFF)
    finally:
        power("start")
    assert expected(host) == {release_of(web_hosts[WEB1], "guestbook")}
    # The host is up, serves the old release, and is asked again.
    asked = "curl -s -H 'Host: guestbook.example.test' http://127.0.0.1/healthz"
    eventually(lambda: web_hosts[WEB2].run(asked).stdout == "ok")
    assert release_of(web_hosts[WEB2], "guestbook") == old

    def send(method, status):
        answer = get(address, "/whoami" if method == "GET" else "/", method)
        assert answer.status == status
        assert method != "GET" or answer.json()["node"] == WEB1
        return given_back(web_hosts[WEB2], method)

    eventually(lambda: send("GET", 200))
    # Django answers 403 without a token of the form: the app of the other host got it.
    eventually(lambda: send("POST", 403))


def test_a_deployment_that_fails_there_lets_no_visitor_to_it(host, address, project, web_hosts):
    before, old = expected(host), release_of(web_hosts[WEB2], "guestbook")
    web_hosts[WEB2].check_output("touch %s", NO_START)
    try:
        played = deploy(project, end=partial(plays.play, "gatehouse.django.site", app="guestbook"))
    finally:
        web_hosts[WEB2].check_output("rm %s", NO_START)
    assert played.returncode != 0
    assert release_of(web_hosts[WEB2], "guestbook") == old
    assert expected(host) == before
    assert nodes(address) == {WEB1}


def test_the_next_deployment_brings_it_back(host, address, project, web_hosts):
    old, seen = release_of(web_hosts[WEB2], "guestbook"), set()
    with ThreadPoolExecutor(1) as pool:
        deployment = pool.submit(deploy, project)
        while not deployment.done():
            seen.add(get(address, "/whoami").json()["release"])
        deployment.result()
    assert old not in seen
    assert len({one.partition("-")[0] for one in releases(web_hosts)}) == 1
    assert expected(host) == releases(web_hosts)
    eventually(lambda: nodes(address), until=lambda found: found == set(web_hosts))

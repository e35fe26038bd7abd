"""A web host that was off during a deployment: its old release gets no visitor, also none who sends a form.

The hosts have the same version of Debian: so the balancer expects one release, and each of them could make the backup.
"""

import shutil
import subprocess
import uuid
from functools import partial
from pathlib import Path

import plays
import pytest
import testinfra
from helpers.backups import PASSWORD, back_up
from helpers.hosts import eventually, release_of
from visits import get, nodes

pytestmark = pytest.mark.long
THIRD = Path(__file__).parent / "third_web_host.yml"
OFF = THIRD.with_name("powered_off.yml")
WEB2, WEB3 = HOSTS = ["gatehouse-fleet-web2", "gatehouse-fleet-web3"]
OTHERS = "gatehouse-fleet-db,gatehouse-fleet-lb"
EXPECTED = "readlink /var/lib/gatehouse/expected/guestbook"
LOG = "/var/log/nginx/guestbook.access.log"
BACKUP = {"password": PASSWORD, "password_kept": True}
succeeded = partial(plays.succeeded, second=THIRD)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("power-off") / "project"
    shutil.copytree(plays.SOURCES["guestbook"], directory)
    return directory


def deploy(project, *hosts, options=()):
    """Deploy the project to *hosts*; its app is on both."""
    (app,) = [one for one in plays.apps() if one["name"] == "guestbook"]
    entry = app | {"hosts": HOSTS, "source": {"directory": str(project)}, "backup": BACKUP}
    limit = f"--limit={OTHERS},{','.join(hosts)}"
    succeeded("gatehouse.django.site", limit, *options, app="guestbook", django_apps=[entry])


@pytest.fixture(scope="module")
def same(project):
    """The hosts of the same version of Debian, which serve the app; afterwards, those of the scenario serve it."""
    succeeded("molecule/shared/create.yml", f"--limit=localhost,{WEB3}")
    succeeded("molecule/shared/prepare.yml", f"--limit=localhost,{WEB3}")
    deploy(project, *HOSTS)
    yield {name: testinfra.get_host(f"podman://{name}") for name in HOSTS}
    entries = plays.apps(guestbook={"hosts": ["gatehouse-fleet-web1", WEB2]})
    succeeded("gatehouse.django.site", app="guestbook", django_apps=entries)
    subprocess.run(["podman", "rm", "--force", "--time=0", WEB3], check=True, capture_output=True)


def releases(same):
    return {release_of(one, "guestbook") for one in same.values()}


def power(word):
    subprocess.run(["podman", word, WEB2], check=True, capture_output=True)


def given_back(host, method):
    """How many requests nginx on the host gave back, because its release is not the expected one."""
    return int(host.run(f'grep -c \'"method":"{method}".*"status":503,\' {LOG}').stdout)


def test_the_balancer_expects_the_release_of_both(host, address, same):
    (release,) = releases(same)
    assert host.check_output(EXPECTED).endswith(f"/{release}")
    eventually(lambda: nodes(address), until=lambda found: found == set(HOSTS))


def test_one_host_makes_the_backup(same):
    (holder,) = [one for one in same.values() if one.service("gatehouse-backup@guestbook.timer").is_running]
    assert back_up(holder, "guestbook")["seconds"] > 0


def test_requests_to_the_old_release_go_to_the_other_host(host, address, project, same):
    old = release_of(same[WEB2], "guestbook")
    power("kill")
    try:
        (project / "variant.txt").write_text(uuid.uuid4().hex)
        deploy(project, WEB3, options=[f"--inventory={OFF}"])
    finally:
        power("start")
    new = release_of(same[WEB3], "guestbook")
    assert host.check_output(EXPECTED).endswith(f"/{new}")
    # The host is up, serves the old release, and is asked again.
    asked = "curl -s -H 'Host: guestbook.example.test' http://127.0.0.1/healthz"
    eventually(lambda: same[WEB2].run(asked).stdout == "ok")
    assert release_of(same[WEB2], "guestbook") == old != new

    def send(method, status):
        answer = get(address, "/whoami" if method == "GET" else "/", method)
        assert answer.status == status
        assert method != "GET" or answer.json()["node"] == WEB3
        return given_back(same[WEB2], method)

    eventually(lambda: send("GET", 200))
    # Django answers 403 without a token of the form: the app of the other host got it.
    eventually(lambda: send("POST", 403))


def test_the_next_deployment_brings_it_back(address, project, same):
    deploy(project, *HOSTS)
    assert len(releases(same)) == 1
    eventually(lambda: nodes(address), until=lambda found: found == set(HOSTS))

"""Units, owners and modes on the host, and what the app can read and write."""

import json

import pytest
from helpers.hosts import eventually, release_of, unit

APPS = ["guestbook", "wagtailsite"]
# A world-readable file here would be readable by every user and service of the host.
PLACES = "/etc /srv /var/log /var/lib /run /tmp /var/tmp /home /root"


@pytest.fixture(params=APPS)
def app(request):
    return request.param


@pytest.mark.parametrize("service", ["nginx", *(f"{app}-web" for app in APPS)])
def test_services_start_at_boot(host, service):
    assert host.service(service).is_enabled


def test_nginx_runs(host):
    assert host.service("nginx").is_running
    assert host.run("nginx -t").rc == 0


def test_systemd_restarts_nginx_after_a_crash(host, guestbook):
    restarts = host.check_output("systemctl show -P NRestarts nginx.service")
    host.check_output("systemctl kill -s SIGKILL nginx.service")
    eventually(lambda: host.check_output("systemctl show -P NRestarts nginx.service") != restarts)
    eventually(lambda: host.service("nginx").is_running)
    assert guestbook.get("/").status == 200


def test_the_app_runs_behind_its_socket(host, app):
    for kind in ("socket", "service"):
        assert host.service(unit(host, app, kind)).is_running


def test_no_unit_has_failed(host):
    """A container cannot load kernel modules; Debian 13 reports that as failed."""
    failed = host.check_output("systemctl list-units --failed --plain --no-legend").split("\n")
    assert [line.split()[0] for line in failed if line and "systemd-modules-load" not in line] == []


def test_the_app_runs_as_its_own_user(host, app):
    pid = host.check_output("systemctl show -P MainPID %s", unit(host, app, "service"))
    assert host.file(f"/proc/{pid}").user == app
    assert host.user(app).shell == "/usr/sbin/nologin"
    assert host.user(app).uid < 1000


def test_current_is_a_relative_link_to_a_complete_release(host, app):
    link = host.check_output("readlink /srv/%s/current", app)
    assert link == f"releases/{release_of(host, app)}"
    assert host.file(f"/srv/{app}/{link}/.complete").exists
    assert json.loads(host.file(f"/srv/{app}/{link}/release.json").content_string)


def test_only_root_and_the_app_can_read_the_environment(host, app):
    env = host.file(f"/srv/{app}/current/env")
    assert (env.user, env.group, env.mode) == ("root", app, 0o640)


def test_the_code_belongs_to_root(host, app):
    """And no link, socket or directory in a release is the app's either."""
    theirs = f"find /srv/{app}/releases ! -type s '(' ! -user root -o -perm /022 ! -type l ')' -print"
    assert host.check_output(theirs) == ""


@pytest.mark.parametrize("path", ["current/src/probe.py", "current/static/probe.js", "releases/probe", "manage"])
def test_the_app_cannot_write_its_release(host, app, path):
    assert host.run(f"setpriv --reuid {app} --regid {app} --clear-groups touch /srv/{app}/{path}").rc != 0


def test_the_app_can_write_its_data(host, app):
    command = f"setpriv --reuid {app} --regid {app} --clear-groups"
    assert host.run(f"{command} touch /srv/{app}/data/probe /srv/{app}/data/media/probe").rc == 0
    host.check_output(f"rm /srv/{app}/data/probe /srv/{app}/data/media/probe")


def test_one_app_cannot_read_the_others_environment_and_database(host):
    as_wagtail = "setpriv --reuid wagtailsite --regid wagtailsite --clear-groups"
    for path in ("current/env", "data/db.sqlite3"):
        assert host.file(f"/srv/guestbook/{path}").exists
        assert host.run(f"{as_wagtail} cat /srv/guestbook/{path}").rc != 0, path


def test_nginx_cannot_read_the_environment_and_database(host, app):
    for path in ("current/env", "data/db.sqlite3"):
        assert host.file(f"/srv/{app}/{path}").exists
        assert host.run(f"setpriv --reuid www-data --regid www-data --clear-groups cat /srv/{app}/{path}").rc != 0, path


@pytest.mark.parametrize("place", ["/etc", "/usr", "/srv/guestbook/current/src", "/root", "/home"])
def test_the_services_own_view_of_the_host_is_read_only(host, place):
    """Even root inside the service's namespace meets a read-only or hidden tree."""
    pid = host.check_output("systemctl show -P MainPID %s", unit(host, "guestbook", "service"))
    assert host.run(f"nsenter --target {pid} --mount touch {place}/probe").rc != 0


def test_the_sandbox_is_active(host, app):
    shown = host.check_output("systemctl show %s", unit(host, app, "service")).splitlines()
    settings = dict(line.split("=", 1) for line in shown)
    assert settings["User"] == app
    assert settings["NoNewPrivileges"] == "yes"
    assert settings["ProtectSystem"] == "strict"
    assert settings["ProtectHome"] in ("yes", "tmpfs")
    assert settings["PrivateTmp"] in ("yes", "disconnected")
    assert settings["PrivateDevices"] == "yes"
    status = host.file(f"/proc/{settings['MainPID']}/status").content_string.splitlines()
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_systemd_rates_the_sandbox_as_safe(host, app):
    analysed = host.run("systemd-analyze security --no-pager --threshold=20 %s", unit(host, app, "service"))
    assert analysed.rc == 0, analysed.stdout


@pytest.fixture
def secret_in_a_file(host):
    """The guestbook's secret key as a pattern file for grep, so that looking for it does not put it anywhere."""
    pattern = "/run/tests-secret"
    value = "grep ^DJANGO_SECRET_KEY= /srv/guestbook/current/env | cut -d= -f2- | tr -d '\"'"
    host.check_output(f"umask 077; {value} > {pattern}")
    assert len(host.file(pattern).content_string.strip()) >= 20
    yield pattern
    host.check_output(f"rm {pattern}")


def test_the_secret_is_in_no_argv(host, secret_in_a_file):
    found = host.run(f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -F -f {secret_in_a_file}")
    assert found.rc == 1


def test_the_secret_is_not_in_the_journal(host, secret_in_a_file):
    assert int(host.check_output("journalctl --no-pager | wc -l")) > 10
    assert host.run(f"journalctl --no-pager -o export | grep -aF -f {secret_in_a_file}").rc == 1


def test_the_secret_is_in_no_file_that_others_may_read(host, secret_in_a_file):
    search = f"find {PLACES} -xdev -type f -perm /004 -size -5M -exec grep -lF -f {secret_in_a_file} {{}} +"
    readable = host.run(search).stdout.split()
    # A file counts as readable only if the directories above it let strangers through.
    stranger = "setpriv --reuid nobody --regid nogroup --clear-groups test -r"
    assert [path for path in readable if host.run(f"{stranger} {path}").rc == 0] == []


def test_the_secret_is_in_no_unit(host, secret_in_a_file):
    assert host.run(f"systemctl show '*' | grep -F -f {secret_in_a_file}").rc == 1

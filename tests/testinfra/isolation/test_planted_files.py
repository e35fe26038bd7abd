"""An app plants links, hard links, FIFOs, sockets and a deep tree wherever it or its builds can write.

What root does for it afterwards (a deploy, a failed deploy, a rollback, a diagnosis, the removal) changes nothing else
of the host.
"""

import pytest
from helpers.play import Play
from plays import copied, deploy, differences, snapshot

APP = "planter"
SITE = "planter.example.test"
# An attacker's link of each kind, in the directory that the shell is in.
PLANT = """
ln -s /srv/victim/data directory-of-a-neighbour
ln -s /etc directory-of-root
ln -s /etc/passwd file-of-root
ln -s /srv/victim/data/db.sqlite3 file-of-a-neighbour
ln -s / top
ln -s loop loop
ln /etc/hostname hard-link 2>/dev/null || :
ln /srv/victim/data/db.sqlite3 hard-link-to-a-neighbour 2>/dev/null || :
mkfifo fifo
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
python3 -c 'import os; [(os.mkdir("deep"), os.chdir("deep")) for _level in range(1100)]'
touch "$(printf 'bytes\\377\\376\\033[31m')"
"""
# As the project's own code could leave them: where collectstatic writes, and where the process starts.
PROJECT = {
    "+tiny/settings.py": """
import sys

if "gatehouse_prepare" in sys.argv[0]:
    _static = BASE_DIR.parent / "static"
    for _name, _target in (("etc", "/etc"), ("neighbour", "/srv/victim/data"), ("passwd", "/etc/passwd")):
        if not (_static / _name).is_symlink():
            (_static / _name).symlink_to(_target)
""",
}
FAILS = {"+tiny/urls.py": "\nurlpatterns.append(path('new', no_such_view))\n"}


def plant(as_user, user, directory):
    planted = as_user(user, f"cd {directory} && mkdir -p planted && cd planted && {PLANT}")
    assert planted.rc == 0, planted.stderr


@pytest.fixture(scope="module")
def steps(host, tmp_path_factory):
    """What each step changed of the host outside of the app, and how its play ended."""
    directory = tmp_path_factory.mktemp("planter")
    options = {"name": APP, "environment": {"ALLOWED_HOSTS": SITE}}

    def as_user(user, command):
        return host.run("setpriv --reuid=%s --regid=%s --init-groups sh -c %s", user, user, command)

    first = deploy(host, "evil", **options)
    assert first.code == 0, first.output
    plant(as_user, APP, f"/srv/{APP}/data")
    plant(as_user, APP, f"/srv/{APP}/data/media")
    plant(as_user, f"{APP}-build", f"/srv/{APP}/cache")
    seen, found = snapshot(host, APP), {}

    def take(step, played):
        nonlocal seen
        now = snapshot(host, APP)
        found[step] = (differences(seen, now), played)
        seen = now

    take("a deploy", deploy(host, "evil", copied(directory / "second", PROJECT), **options))
    take("a failed deploy", deploy(host, "evil", copied(directory / "third", PROJECT | FAILS), **options))
    take("a rollback", Play("gatehouse.django.rollback", host, django_app_name=APP).finish())
    take("a diagnosis", Play("gatehouse.django.doctor", host).finish())
    # The directory itself becomes a link, as the app could do it at any time.
    swapped = as_user(
        APP, f"mv /srv/{APP}/data/media /srv/{APP}/data/m && ln -s /srv/victim/data /srv/{APP}/data/media"
    )
    assert swapped.rc == 0, swapped.stderr
    take("a deploy onto a link", deploy(host, "evil", copied(directory / "fourth", PROJECT), **options))
    take("the removal", deploy(host, "evil", confirm=APP, **options, state="absent", remove_data=True))
    return found


@pytest.mark.parametrize(
    "step", ["a deploy", "a failed deploy", "a rollback", "a diagnosis", "a deploy onto a link", "the removal"]
)
def test_nothing_changed_outside_of_the_app(steps, step):
    assert steps[step][0] == {}


@pytest.mark.parametrize("step", ["a deploy", "a rollback", "the removal"])
def test_each_step_succeeded(steps, step):
    assert steps[step][1].code == 0, steps[step][1].output


def test_the_failed_deploy_reports_its_reason(steps):
    assert "no_such_view" in steps["a failed deploy"][1].refusal


def test_a_link_in_place_of_a_directory_is_refused(steps):
    refusal = steps["a deploy onto a link"][1].refusal
    assert f"'/srv/{APP}/data/media' is a symbolic link" in refusal
    assert "mount --bind" in refusal


def test_nothing_of_the_app_is_left(host, steps):
    assert not host.file(f"/srv/{APP}").exists
    assert host.run(f"getent passwd {APP} {APP}-build; getent group {APP} {APP}-build").stdout == ""

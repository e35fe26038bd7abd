"""The doctor looks at a host on which an attacker's app has planted things: it ends soon, leaks and changes nothing.

What stands in data/ the app's user has made itself; what stands in a release a repository or a dependency may bring.
"""

import base64
import json
import time

import pytest
from helpers.doctor import RELOAD, proxied
from helpers.states import ANOTHER, write

SECRET = "the-victims-own-words"
DATA, MEDIA, RELEASE = "/srv/evil/data", "/srv/evil/data/media", "/srv/evil/current"
SECONDS = 120  # a diagnosis of the three sites takes three on a quiet machine
EVIL = "https://evil.example.test"
TREES = ("/etc/nginx", "/srv/victim/data", "/srv/evil/data")
VALUES = {
    **{name: [] for name in ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "MIDDLEWARE", "INSTALLED_APPS")},
    **{name: False for name in ("SECURE_SSL_REDIRECT", "DEBUG", "USE_X_FORWARDED_HOST", "CSRF_COOKIE_SECURE")},
    **{"SECURE_PROXY_SSL_HEADER": None, "SESSION_COOKIE_SECURE": False, "CSRF_USE_SESSIONS": False},
    **{"DATA_UPLOAD_MAX_MEMORY_SIZE": None, "SECURE_SSL_HOST": None, "STATIC_URL": "/static/", "STATIC_ROOT": "/root"},
    **{"MEDIA_URL": "/media/", "MEDIA_ROOT": "/srv/victim/data"},
}


@pytest.fixture
def victim(driver, undo):
    """A file of the victim's: its name and its content are not to be seen."""
    path = f"/srv/victim/data/{SECRET}.txt"
    undo(f"rm -f {path}")
    driver.shell(f"install --owner=victim --group=victim --mode=0600 /dev/null {path}; echo {SECRET} > {path}")
    return path


@pytest.fixture
def diagnose(driver, victim):
    """diagnose(url=...): the findings, by site."""

    def diagnose(**options):
        before = driver.ask("snapshot", *TREES)
        started = time.monotonic()
        answer = driver.doctor(**options)
        assert time.monotonic() - started < SECONDS
        assert driver.ask("snapshot", *TREES) == before
        assert not answer["failed"], answer
        assert [event for event in answer["events"] if not event.startswith(("subprocess.Popen", "open "))] == []
        assert SECRET not in json.dumps(answer), answer
        assert "\\u001b" not in json.dumps(answer), answer
        return {finding["site"]: finding["cause"] + " " + finding["remedy"] for finding in answer["findings"]}

    return diagnose


@pytest.fixture
def plant(as_user, driver, undo):
    """Run a shell command as the attacker's app, in its media directory, which comes back afterwards."""
    driver.shell(f"cp -a {MEDIA} /root/media")
    undo(f"rm -rf {MEDIA}; mv /root/media {MEDIA}")

    def plant(command):
        done = as_user("evil", f"cd {MEDIA} && {command}")
        assert done.rc == 0, done.stderr

    return plant


def test_a_host_without_an_attack(diagnose):
    assert diagnose() == {}


def test_hostile_files_in_the_media_directory(diagnose, plant):
    """A doctor that opened the FIFO, or put the third name into a request, would never end."""
    plant("ln -s /srv/victim/data vp && ln -s /etc/shadow s && ln -s a b && ln -s b a && mkfifo 0 00.css")
    plant("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"000\")'")
    plant(r"""python3 -c 'open(b"0\xff\xfe\x1b[31m\n.txt", "w")'""")
    plant('python3 -c \'import os\nfor n in range(300): os.mkdir("d"); os.chdir("d")\'')
    plant('python3 -c \'for n in range(20000): open("1" + str(n), "w")\'')
    found = diagnose()
    assert set(found) <= {"evil.example.test"}, found


@pytest.mark.parametrize("command", ["ln -s /srv/victim/data media", "mkfifo media"])
def test_a_hostile_file_in_place_of_the_media_directory(diagnose, plant, command):
    plant(f"cd .. && rmdir media && {command}")
    found = diagnose()
    assert set(found) <= {"evil.example.test"}, found


def test_a_link_in_place_of_the_media_directory(diagnose, plant):
    """No name of what it leads to is asked for, and nothing there is to be opened to others."""
    plant("cd .. && rmdir media && ln -s /srv/victim/data media")
    found = diagnose(url=f"{EVIL}/media/x")
    assert "chmod" not in found.get("evil.example.test", "")


def test_a_link_to_a_file_of_another_app(diagnose, plant, victim):
    plant(f"mkdir sub && ln -s {victim.replace(SECRET, 'other')} sub/a")
    found = diagnose(url=f"{EVIL}/media/sub/a")
    assert f"{MEDIA}/sub/a is a" in found["evil.example.test"]
    assert "link to /srv/victim/data/other.txt" in found["evil.example.test"]
    assert "chmod" not in found["evil.example.test"]


def test_a_socket_that_is_a_link(diagnose, driver, plant, undo):
    """Root would connect to a socket that only root may use, and start what listens there."""
    undo(f"rm -f {ANOTHER}; systemctl reload nginx; rm -f {DATA}/app.sock")
    plant("ln -s /run/dbus/system_bus_socket ../app.sock")
    write(driver, ANOTHER, proxied(f"http://unix:{DATA}/app.sock"))
    driver.shell(f"nginx -t || exit 1\n{RELOAD}")
    assert f"{DATA}/app.sock is a link to /run/dbus/system_bus_socket" in diagnose()["hand.example.test"]


@pytest.fixture
def report(driver, undo):
    """report(code): what the attacker's app runs in the process that the doctor asks for its settings."""
    (packages,) = driver.shell(f"ls -d {RELEASE}/venv/lib/python*/site-packages").splitlines()
    undo(f"rm -f {packages}/zz_evil.*")

    def report(code):
        only = "import sys\nif sys.orig_argv[-1] == '-':\n    import os\n"
        body = "".join(f"    {line}\n" for line in code.splitlines())
        write(driver, f"{packages}/zz_evil.py", only + body)
        write(driver, f"{packages}/zz_evil.pth", "import zz_evil\n")

    return report


def says(text):
    encoded = base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()
    return f"import base64\nos.write(1, base64.b64decode('{encoded}'))\nos._exit(0)"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (says(b"\xff\xfe\x1b[31m\n"), "their process ended with 0"),
        (says('{"error": "\\u001b[2J\\udcff"}'), r"\x1b[2J\xff"),
        ("while True: os.write(1, b'x' * 65536)", "their process ended with"),
    ],
    ids=["bytes", "escapes", "endless"],
)
def test_a_hostile_report_of_the_settings(diagnose, report, code, words):
    report(code)
    assert words in diagnose(settings_only=True, url=EVIL)["evil.example.test"]


def test_an_app_that_claims_the_files_of_another_one(diagnose, report):
    """Names of files are believed only where nginx's own directories have them or not."""
    seen = {"real": "/srv/victim/data", "files": ["../../../root/.profile", "\ud800", f"/srv/victim/data/{SECRET}.txt"]}
    settings = VALUES | {"ALLOWED_HOSTS": ["*"], "INSTALLED_APPS": ["django.contrib.staticfiles"]}
    answer = {"settings": settings, "gunicorn": [27], "inventory": [], "directories": dict.fromkeys(VALUES, seen)}
    report(says(json.dumps(answer)))
    assert diagnose(settings_only=True, url=EVIL) == {}


def test_links_of_a_repository(diagnose, driver, undo):
    """In the place of the collected static files and of gunicorn's configuration."""
    release = driver.shell(f"readlink --canonicalize {RELEASE}")
    for name in ("static", "gatehouse"):
        undo(f"rm {release}/{name}; mv {release}/{name}.kept {release}/{name}")
        driver.shell(f"mv {release}/{name} {release}/{name}.kept; ln -s /srv/victim/data {release}/{name}")
    found = diagnose()
    assert set(found) == {"evil.example.test"}

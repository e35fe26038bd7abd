"""Commands of a deployment: `build` with npm, release and first commands; the first account; writable directories."""

import json

from helpers.hosts import release_of

CURRENT = "/srv/steps/current"
OWN_SETTINGS = """from steps.settings import *
INSTALLED_APPS = ["own", *INSTALLED_APPS]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{database}"}}}}
"""
OWN_COMMAND = """from django.contrib.auth.models import User
from django.core.management import BaseCommand
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--email")
        parser.add_argument("--password", "--pass")
    def handle(self, **options):
        User.objects.create_superuser(options["email"], options["email"], options["password"])
"""
SELECT = "SELECT email, is_superuser FROM auth_user WHERE email LIKE 'ann@%'"
FORGET = (
    "import sqlite3; database = sqlite3.connect('db.sqlite3'); "
    "database.execute(\"DELETE FROM django_migrations WHERE app = 'gatehouse'\"); database.commit()"
)
COUNT = f"import sqlite3; print([*sqlite3.connect('db.sqlite3').execute(\"{SELECT}\")])"


# It succeeds at the second try, and notices another one that runs at the same time.
SECOND_TRY = "echo try >> ran; found=$(wc -l < ran); sleep 1; [ $found = $(wc -l < ran) ] || exit 9; [ $found -gt 1 ]"


def ask(host, path="/"):
    """What the app answers on the socket of the release that is live."""
    url = f"http://steps.example.test{path}"
    return host.check_output("curl --silent --fail --unix-socket %s/web.sock %s", CURRENT, url)


def listed(host, pattern):
    return host.check_output(f"cd {CURRENT}/static && ls {pattern}").split()


def test_the_build_made_a_script_with_an_installed_package(host):
    (script,) = listed(host, "app-*.js")
    assert host.file(f"{CURRENT}/static/{script}").content_string == 'console.log("86400000 ms are a day");\n'


def test_collectstatic_found_a_package_that_is_not_in_the_release(host):
    assert listed(host, "vendor/index.js") == ["vendor/index.js"]
    assert host.check_output(f"find {CURRENT}/ /srv/steps/releases -name node_modules") == ""


def test_a_build_sees_the_environment_and_no_secret(host):
    assert host.file(f"{CURRENT}/project/assets/seen.txt").content_string == "steps.example.test build\n"


def test_release_commands_run_as_the_app_after_collectstatic(host):
    (script,) = listed(host, "app-*.js")
    assert ask(host) == f"stamped by steps after {script}"
    found = host.file(f"{CURRENT}/static/stamp.txt")
    assert (found.user, found.group, found.mode) == ("root", "root", 0o644)


def test_first_commands_and_the_account_were_made_once(host):
    found = json.loads(ask(host, "/data/"))
    assert found["first"] == ["two words"]
    assert found["accounts"] == [["root", True, True]]
    assert (
        host.run("grep -rlF swordfish /srv/steps/releases/%s/release.json /etc /run", release_of(host, "steps")).rc == 1
    )


def test_the_app_writes_into_a_directory_of_its_release(host):
    assert json.loads(ask(host, "/data/"))["uploads"] == ["example.txt", "first.txt", "new.txt"]
    found = host.file(f"{CURRENT}/project/uploads")
    assert found.linked_to == "/srv/steps/data/uploads"
    assert host.file("/srv/steps/data/uploads").user == "steps"


def test_node_is_of_the_requested_version_and_shared(host):
    (home,) = host.check_output("ls -d /opt/gatehouse/node-*").split()
    assert host.check_output("%s/programs/node --version", home).startswith("v22.")
    assert host.file(home).user == "root"
    # The next build finds what npm has downloaded.
    assert host.check_output("find /srv/steps/cache/.npm/_cacache/content-v2 -type f") != ""


def test_the_account_is_made_by_a_createsuperuser_of_the_project_with_options_of_its_own(host):
    own = host.check_output("mktemp -d")
    commands = f"{own}/own/management/commands"
    host.check_output("mkdir -p %s && cp /srv/steps/data/db.sqlite3 %s", commands, own)
    for path, text in {
        f"{own}/own/settings.py": OWN_SETTINGS.format(database=f"{own}/db.sqlite3"),
        f"{commands}/createsuperuser.py": OWN_COMMAND,
    }.items():
        host.check_output("echo %s > %s", text, path)

    def create(**fields):
        # The database of the app records the account that it has.
        host.check_output("cd %s && python3 -c %s", own, FORGET)
        program = f"venv/bin/python gatehouse/gatehouse_first.py admin 2>&1 <<< '{json.dumps(fields)}'"
        variables = f"PYTHONPATH={own}:project DJANGO_SETTINGS_MODULE=own.settings DJANGO_SECRET_KEY=x ALLOWED_HOSTS=x"
        return host.run(f"cd {CURRENT} && env {variables} bash -c %s", program)

    refused = create(username="ann", email="ann@example.test", password="swordfish")
    assert "own createsuperuser has other options: admin can have only email, password" in refused.stdout
    for made in (create(email="ann@example.test", password="swordfish") for _repeated in range(2)):
        assert made.rc == 0, made.stdout
    assert host.check_output("cd %s && python3 -c %s", own, COUNT) == "[('ann@example.test', 1)]"


def test_one_of_several_hosts_runs_a_first_command_and_another_one_tries_again(host):
    """Processes with one database stand for the hosts."""
    own = host.check_output("mktemp -d")
    host.check_output("mkdir %s/own && cp /srv/steps/data/db.sqlite3 %s", own, own)
    settings = OWN_SETTINGS.format(database=f"{own}/db.sqlite3")
    host.check_output("echo %s > %s/own/settings.py", settings, own)
    program = f"{CURRENT}/venv/bin/python {CURRENT}/gatehouse/gatehouse_first.py"
    variables = (
        f"PYTHONPATH={own}:{CURRENT}/project DJANGO_SETTINGS_MODULE=own.settings DJANGO_SECRET_KEY=x ALLOWED_HOSTS=x"
    )
    one = f"env {variables} {program} run abc sh -c '{SECOND_TRY}'; echo $? >> codes"
    done = host.run(f"cd {own}; for host in 1 2 3; do {{ {one}; }} & done; wait; sort codes; cat ran")
    assert done.stdout.split() == ["0", "0", "1", "try", "try"], done.stderr
    assert host.check_output(f"cd {own}; env {variables} {program} recorded").split().count("abc") == 1

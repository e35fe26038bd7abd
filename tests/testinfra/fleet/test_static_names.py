"""Hosts whose builds give static files different names get no release, and nothing is migrated."""

import json

import pytest
from members import APP, Project, deploy, deployed, served
from test_deploy import rows

pytestmark = pytest.mark.long
RECORD = "current/static_names.json"
COLLECTED = """
INSTALLED_APPS.append("django.contrib.staticfiles")
STATIC_URL = "/static/"
"""
FRONT = "ledger/static/front"
# Each host gets another name from the second command.
BUILD = [f"mkdir -p {FRONT}", f"mktemp --suffix=.js {FRONT}/app-XXXXXXXXXXXX"]


@pytest.fixture(scope="module")
def project(host, web_hosts, tmp_path_factory):
    """A project with static files that all hosts have built alike."""
    project = Project(tmp_path_factory.mktemp("static"))
    settings = project.path / "ledger/settings.py"
    settings.write_text(settings.read_text() + COLLECTED)
    (project.path / FRONT).mkdir(parents=True)
    (project.path / FRONT / "site.css").write_text("")
    deployed(host, project, web_hosts)
    return project


def names(web_host, app):
    return json.loads(web_host.check_output(f"cat /srv/{app}/{RECORD}"))["build"]["names"]


def refused(host, project, hosts, **changes):
    played = deploy(host, project, hosts, **changes).finish()
    assert played.code != 0, played.output
    assert f"{APP}: the release is not deployed, because static files that were" in played.refusal
    return played.refusal


def test_hosts_with_different_pythons_build_the_same_files(web_hosts, project):
    first, last = web_hosts.values()
    assert names(first, APP) == names(last, APP) == ["front/site.css"]
    # With Django's ManifestStaticFilesStorage, and the files of its admin.
    assert names(first, "guestbook") == names(last, "guestbook")
    assert len(names(first, "guestbook")) > 100


def test_different_names_end_the_deployment_before_anything_is_migrated(host, web_hosts, project):
    before, (first, last), name = served(web_hosts), list(web_hosts), project.add_migration()
    refusal = refused(host, project, [first, last], build=BUILD)
    assert "Nothing was migrated." in refusal
    for one in (first, last):
        assert f"{one}: 1 that not all others have, such as static/front/app-" in refusal
        assert web_hosts[one].run(f"ls -d /srv/{APP}/releases/*/.prepared").rc != 0
    assert name not in rows(web_hosts)
    assert served(web_hosts) == before


def test_different_names_of_release_commands_keep_all_hosts_from_switching(host, web_hosts, project):
    before = served(web_hosts)
    command = (
        "import uuid; from django.conf import settings; open(f'{settings.STATIC_ROOT}/{uuid.uuid4().hex}.css', 'w')"
    )
    refusal = refused(host, project, list(web_hosts), release_commands=[f'manage.py shell -v 0 -c "{command}"'])
    assert "made by release_commands" in refusal
    assert "Migrations that were applied stay." in refusal
    assert served(web_hosts) == before


def test_a_host_outside_of_the_run_is_compared(host, web_hosts, project):
    first, last = web_hosts
    deployed(host, project, web_hosts)
    before = served(web_hosts)
    record = f"/srv/{APP}/{RECORD}"
    other = {"build": {"digest": "other", "names": ["front/other.css"]}}
    web_hosts[last].check_output("cp %s /run/lab-names && printf %%s %s > %s", record, json.dumps(other), record)
    try:
        refusal = refused(host, project, [first], workers=2)
    finally:
        web_hosts[last].check_output("cp /run/lab-names %s", record)
    assert f"{last} (not in this run): 1 that not all others have, such as static/front/other.css" in refusal
    assert served(web_hosts) == before

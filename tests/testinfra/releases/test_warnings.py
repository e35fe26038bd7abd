"""A release whose health check succeeds is served; the play warns about what its visitors or its operator will miss."""

import pytest
from helpers.bad_releases import SILENT
from helpers.hosts import release_of
from helpers.module import call
from helpers.play import REPOSITORY
from helpers.steady import PROJECT, deploy, site_of, start_deploy, try_rollback, variant_in

# The first check passes once the worker runs, the second one never.
CHECKS = """

from django.conf import settings
from django.core import checks


@checks.register(deploy=True)
def need_the_worker(app_configs, **options):
    if not (settings.DATA_DIR / "worker").exists():
        yield checks.Error("no worker answers", id="steady.E001")
    yield checks.Critical("no mail server answers", id="steady.E002")
"""
OPTIONS = {
    "processes": [{"name": "worker", "command": "sh -c 'touch /srv/steady/data/worker; exec sleep infinity'"}],
    "check_ignore": ["steady.E001", "steady.E002"],
    "secrets": {
        "DJANGO_SECRET_KEY": "a-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check",
        "DATABASE_URL": "postgres://steady:geheim@db.example.test/shop",
        "PAYMENT_TOKN": "s3cr3t-s3cr3t",
    },
}
URLS = """
from django.http import HttpResponse, HttpResponseRedirect
from django.templatetags.static import static


def login(request):
    raise RuntimeError("no login today")


def shop(request):
    links = [static("steady/steady.css"), "/static/steady/absent.css", "https://cdn.example.test/static/other.css"]
    return HttpResponse("".join(f'<link rel="stylesheet" href="{one}">' for one in links))


"""
# nginx redirects this name to the one that the app allows.
LOGIN = """urlpatterns[:1] = [
    path("", lambda request: HttpResponseRedirect("http://www.steady.example.test/login/")), path("login/", login)
]
"""
SHOP = 'urlpatterns[:1] = [path("", shop)]\n'


@pytest.fixture(scope="module", autouse=True)
def restored(host):
    yield
    deploy(host, PROJECT)


@pytest.fixture(scope="module")
def short(host, tmp_path_factory):
    """A release with several shortcomings: what the play printed that deployed it, and its identifier."""
    project = variant_in(
        tmp_path_factory.mktemp("warned"), {"+steady/models.py": CHECKS, "+steady/urls.py": URLS + SHOP}
    )
    played = start_deploy(host, project, **OPTIONS).finish()
    assert played.code == 0, played.output
    return played.output, release_of(host, "steady")


@pytest.fixture
def warned(short):
    return short[0]


def test_static_files_that_do_not_exist(warned):
    assert "The page / refers to static files that do not exist in /srv/steady/current/static" in warned
    assert "looks for them: steady/absent.css. " in warned


def test_ignored_checks_are_repeated_after_the_switch(warned):
    assert "steady: A check still fails after the switch: CRITICAL steady.E002: no mail server answers" in warned
    assert "still fails after the switch: ERROR steady.E001" not in warned


def test_variables_that_the_project_does_not_use(warned):
    assert "secrets: the project does not use PAYMENT_TOKN" in warned
    assert "secrets: the project does not use the database of DATABASE_URL" in warned
    assert "does not use DJANGO" not in warned
    for value in ("geheim", "s3cr3t"):
        assert value not in warned


def test_the_first_page_redirects_to_a_page_that_fails(host, variant):
    """Nothing of it is in the project's logging."""
    played = start_deploy(host, variant({"+steady/urls.py": URLS + LOGIN, "+steady/settings.py": SILENT})).finish()
    assert played.code == 0, played.output
    place = (URLS + LOGIN).splitlines().index('    raise RuntimeError("no login today")')
    line = len((REPOSITORY / "tests/projects/steady/steady/urls.py").read_text().splitlines()) + place + 1
    answer = "The app steady itself answers 500 to /login/. "
    cause = f"{answer}Its journal says: RuntimeError: no login today (steady/urls.py, line {line})"
    assert f"steady: {cause}" in played.output, played.output
    (finding,) = call(host, "django_doctor", url=f"http://{site_of('steady')}/")["findings"]
    assert finding["cause"] == cause


def test_a_rollback_visits_the_first_page_too(host, short):
    _output, release = short
    if release_of(host, "steady") == release:
        deploy(host, PROJECT)
    played = try_rollback(host, release=release)
    assert played.code == 0, played.output
    assert "looks for them: steady/absent.css. " in played.output

"""A release whose health check succeeds is served; the play warns if visitors see an error or miss static files."""

import pytest
from helpers.bad_releases import SILENT
from helpers.module import call
from helpers.play import REPOSITORY
from helpers.steady import PROJECT, deploy, site_of, start_deploy

URLS = """
from django.http import HttpResponse, HttpResponseRedirect
from django.templatetags.static import static


def login(request):
    raise RuntimeError("no login today")


def shop(request):
    links = [static("steady/steady.css"), "/static/steady/absent.css", "https://cdn.example.test/static/other.css"]
    return HttpResponse("".join(f'<link rel="stylesheet" href="{one}">' for one in links))


"""
LOGIN = 'urlpatterns[:1] = [path("", lambda request: HttpResponseRedirect("/login/")), path("login/", login)]\n'
SHOP = 'urlpatterns[:1] = [path("", shop)]\n'


@pytest.fixture(scope="module", autouse=True)
def restored(host):
    yield
    deploy(host, PROJECT)


def warnings(played):
    """The text of the warnings, which Ansible wraps."""
    return " ".join(played.output.partition("[WARNING]: ")[2].partition("changed: [")[0].split())


def test_a_page_that_the_first_page_redirects_to_fails(host, variant):
    files = {"+steady/urls.py": URLS + LOGIN, "+steady/settings.py": SILENT}
    played = start_deploy(host, variant(files)).finish()
    assert played.code == 0, played.output
    place = (URLS + LOGIN).splitlines().index('    raise RuntimeError("no login today")')
    line = len((REPOSITORY / "tests/projects/steady/steady/urls.py").read_text().splitlines()) + place + 1
    said = warnings(played)
    assert "steady: The app steady itself answers 500 to /login/." in said, played.output
    cause = f"Last line of its journal: RuntimeError: no login today (steady/urls.py, line {line})"
    assert cause in said
    (finding,) = call(host, "django_doctor", url=f"http://{site_of('steady')}/")["findings"]
    assert finding["cause"] == f"The app steady itself answers 500 to /login/. {cause}"


def test_static_files_that_do_not_exist(host, variant):
    played = start_deploy(host, variant({"+steady/urls.py": URLS + SHOP})).finish()
    assert played.code == 0, played.output
    said = warnings(played)
    assert "refers to static files that do not exist in /srv/steady/current/static" in said, played.output
    assert "looks for them: steady/absent.css. " in said

"""Bad input is refused with a message that helps, and the host is as it was.

Every message must contain the words listed with its case: what is wrong, the value that was given, the remedy.
"""

import json
from pathlib import Path

import pytest
from helpers.http import Visitor
from helpers.play import REPOSITORY, Play, run_play

DJANGO = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}


def site(locations=(DJANGO,), **changes):
    """One site that would be right without *changes*."""
    right = {"name": "refused", "server_name": ["refused.example.test"], "locations": list(locations)}
    return {key: value for key, value in {**right, **changes}.items() if value is not None}


def with_location(**location):
    return [site(locations=[location, DJANGO])]


def with_proxy(**location):
    return [site(locations=[{"path": "/", **location}])]


BAD_MODULE_INPUT = {
    "an unknown key of a site": (
        [site(client_max_body="20m")],
        ["unknown option 'client_max_body'", "did you mean 'client_max_body_size'?"],
    ),
    "an unknown key of a location": (
        with_proxy(proxy_pas="http://127.0.0.1:8000"),
        ["unknown option 'proxy_pas'", "did you mean 'proxy_pass'?"],
    ),
    "an option of another type": (
        [site(), site(name="other", server_name=["other.example.test"], maintenance="later")],
        ["nginx_config: sites[other]: argument 'maintenance' is of type", "unable to convert to bool"],
    ),
    "a missing server name": (
        [site(server_name=None)],
        ["site 'refused'", "server_name is missing", "[www.example.com]"],
    ),
    "an empty list of server names": (
        [site(server_name=[])],
        ["site 'refused'", "server_name is missing"],
    ),
    "a server name that is a URL": (
        [site(server_name=["https://refused.example.test/"])],
        ["site 'refused'", "'https://refused.example.test/' is not a host name", "no scheme"],
    ),
    "a server name that would be a directive": (
        [site(server_name=["a.example.test; return 200"])],
        ["site 'refused'", "is not a host name"],
    ),
    "a relative alias": (
        with_location(path="/static/", alias="static/"),
        ["location '/static/'", "alias 'static/' is relative", "absolute directory"],
    ),
    "a slash after the alias only": (
        with_location(path="/static", alias="/var/www/static/"),
        ["path '/static' and alias '/var/www/static/'", "'/static../'", "add the slash to path"],
    ),
    "a slash after the path only": (
        with_location(path="/static/", alias="/var/www/static"),
        ["path '/static/' and alias '/var/www/static'", "'/var/www/staticx'", "add the slash to alias"],
    ),
    "root instead of alias": (
        with_location(path="/static/", root="/var/www/static/"),
        ["locations[/static/]", "unknown option 'root'", "use 'alias'"],
    ),
    "proxy_pass without a scheme": (
        with_proxy(proxy_pass="127.0.0.1:8000"),
        ["proxy_pass '127.0.0.1:8000'", "needs a scheme and an address", "'http://127.0.0.1:8000'"],
    ),
    "proxy_pass without an address": (
        with_proxy(proxy_pass="http://"),
        ["proxy_pass 'http://'", "needs a scheme and an address"],
    ),
    "an empty proxy_pass": (
        with_proxy(proxy_pass=""),
        ["location '/'", "proxy_pass '' is empty"],
    ),
    "proxy_pass with a path": (
        with_proxy(proxy_pass="http://127.0.0.1:8000/app/"),
        ["has a URI part '/app/'", "write 'http://127.0.0.1:8000'"],
    ),
    "fastcgi_pass": (
        with_proxy(fastcgi_pass="127.0.0.1:8000"),
        ["unknown option 'fastcgi_pass'", "use 'proxy_pass'", "not FastCGI"],
    ),
    "proxy_redirect": (
        with_proxy(proxy_redirect="http://127.0.0.1:8000"),
        ["unknown option 'proxy_redirect'", "use 'proxy_pass'"],
    ),
    "neither alias nor proxy_pass": (
        with_location(path="/static/"),
        ["location '/static/'", "exactly one of 'alias'", "'proxy_pass'"],
    ),
    "two locations with one path": (
        [site(locations=[DJANGO, {**DJANGO, "proxy_pass": "http://127.0.0.1:9000"}])],
        ["site 'refused'", "two locations have the path '/'", "merge them"],
    ),
    "two sites with one server name": (
        [site(name="one"), site(name="two")],
        ["'refused.example.test'", "site 'one'", "site 'two'", "remove it from one of them", "`mounts`"],
    ),
    "the server name of a site that is there": (
        [site(server_name=["guestbook.example.test"])],
        ["'guestbook.example.test'", "site 'guestbook'", "site 'refused'", "`mounts`"],
    ),
    "two sites with one name": (
        [site(), site(server_name=["other.example.test"])],
        ["site 'refused' is listed twice"],
    ),
    "a site name that is a path": (
        [site(name="../../etc/cron.d/refused")],
        ["'../../etc/cron.d/refused' is not a slug", "a-z"],
    ),
    "an alias onto the app's data": (
        with_location(path="/static/", alias="/srv/guestbook/data/"),
        ["alias '/srv/guestbook/data/' holds 'db.sqlite3'", "anyone could download"],
    ),
    "an alias onto the app's code": (
        with_location(path="/static/", alias="/srv/guestbook/current/src/"),
        ["alias '/srv/guestbook/current/src/' holds '", "anyone could download"],
    ),
    "a snippet that nginx refuses": (
        [site(snippet="no_such_directive on;")],
        ["no_such_directive", "site 'refused'", "The live configuration is as it was"],
    ),
}


SECRET = "a-key-of-an-app-that-never-runs-and-is-long-enough-for-the-deployment-check"


def app(**changes):
    """One app that would be right without *changes*."""
    right = {
        "name": "refused",
        "source": {"directory": str(REPOSITORY / "examples/guestbook")},
        "settings_module": "guestbook.settings",
        "environment": {"DJANGO_ALLOWED_HOSTS": "refused.example.test"},
        "secrets": {"DJANGO_SECRET_KEY": SECRET},
    }
    return {"role": "django_app", "given": {**right, **changes}}


def published(**changes):
    """One site for the role that would be right without *changes*."""
    right = {"name": "refused", "server_name": ["refused.example.test"], "app": "guestbook"}
    given = {key: value for key, value in {**right, **changes}.items() if value is not None}
    return {"role": "django_site", "given": [given]}


BAD_ROLE_INPUT = {
    "an app name that is not a slug": (
        app(name="My Shop"),
        ["name: 'My Shop' is not a slug", "lower-case letters"],
    ),
    "an unknown key of an app": (
        app(setings={"DEBUG": False}),
        ["setings", "settings"],
    ),
    "an unknown key of a process": (
        app(processes=[{"name": "worker", "comand": "celery -A guestbook worker"}]),
        ["App 'refused'", "processes[worker]: unknown key 'comand'", "did you mean 'command'?", "nothing was changed"],
    ),
    "a settings module that does not import": (
        app(settings_module="guestbook.production"),
        ["settings_module", "guestbook.production", "No module named"],
    ),
    "a live app with a settings module that does not import": (
        app(name="guestbook", settings_module="guestbook.production"),
        ["settings_module", "guestbook.production", "No module named"],
    ),
    "a directory that does not exist": (
        app(source={"directory": "/no/such/project"}),
        ["source: directory '/no/such/project' does not exist on the controller"],
    ),
    "a repository that does not exist": (
        app(source={"git": "file:///no/such/repository.git", "version": "main"}),
        ["/no/such/repository.git"],
    ),
    "two sources": (
        app(source={"directory": "/srv/a", "pypi": "b==1"}),
        ["source", "exactly one"],
    ),
    "a requirement that does not resolve": (
        app(requirements=["django==99.0"]),
        ["django==99.0"],
    ),
    "a Python that is too old for the project": (
        app(source={"directory": str(Path(__file__).parent / "project_of_the_future")}, settings_module="settings"),
        ["python: the project needs Python >=3.99", "the app's is 3.", "Set python to an interpreter of the host"],
    ),
    "a Python that is not there": (
        app(python="python3.7"),
        ["python: the host has no 'python3.7'", 'write python: "3.7"'],
    ),
    "an unknown key of a published site": (
        published(redirect_form=["www.refused.example.test"]),
        ["redirect_form", "did you mean 'redirect_from'?"],
    ),
    "an option of a published site with another type": (
        published(static="/srv/guestbook/current/static/"),
        ["django_site_sites[refused]: argument 'static' is of type", "unable to convert to dict"],
    ),
    "an option of a published site with an unknown choice": (
        published(symlinks="never"),
        ["django_site_sites[refused]: value of symlinks must be one of: auto, refuse", "got: never"],
    ),
    "a published site that is no dictionary": (
        {"role": "django_site", "given": ["guestbook"]},
        ["django_site_sites[0] is 'guestbook', not a site", "{name: shop, app: shop"],
    ),
    "a published site without a server name": (
        published(server_name=None),
        ["site 'refused'", "server_name is missing"],
    ),
    "a published site with neither app nor upstream": (
        published(app=None),
        ["django_site_sites[refused]", "exactly one of 'app'", "'upstream'"],
    ),
    "an upstream without a scheme": (
        published(app=None, upstream="127.0.0.1:8000"),
        ["'127.0.0.1:8000'", "needs a scheme and an address", "'http://127.0.0.1:8000'"],
    ),
    "a relative directory of static files": (
        published(static={"/static/": "static/"}),
        ["site 'refused'", "'static/' is relative", "absolute directory"],
    ),
    "an app of a published site that is not a slug": (
        published(app="../guestbook"),
        ["app", "'../guestbook'"],
    ),
}


def shares(cases, dealt):
    """What each host is given of these cases."""
    return {host: {case: cases[case][0] for case in names if case in cases} for host, names in dealt.items()}


@pytest.fixture(scope="session")
def reports(tmp_path_factory, dealt):
    """What each host of the scenario said to its share of the input, in one run for all of them."""
    directory = tmp_path_factory.mktemp("refused")
    output = run_play(
        Path(__file__).parent / "bad_input.yml",
        hosts=list(dealt),
        reports=str(directory),
        bad_module_input=shares(BAD_MODULE_INPUT, dealt),
        bad_role_input=shares(BAD_ROLE_INPUT, dealt),
    )
    (directory / "output").write_text(output)
    return directory


@pytest.fixture(scope="module")
def refused(host, reports):
    return json.loads((reports / f"{host.backend.name}.json").read_text())


@pytest.mark.parametrize("case", [*BAD_MODULE_INPUT, *BAD_ROLE_INPUT])
def test_bad_input_is_refused_with_a_message_that_helps(refused, case):
    _given, words = {**BAD_MODULE_INPUT, **BAD_ROLE_INPUT}[case]
    for word in words:
        assert word in refused["said"][case]


def test_no_secret_was_printed(reports):
    """Although it was run with -vvv and --diff, and much of it failed."""
    assert SECRET not in (reports / "output").read_text()


def test_nothing_on_the_host_was_touched(refused):
    assert sorted(refused["touched"]) == []


def test_what_was_served_is_still_served(refused, address):
    for name in ("guestbook.example.test", "wagtail.example.test"):
        assert Visitor(address, name).get("/").status == 200


def test_a_mistake_in_a_site_stops_the_playbook_before_it_changes_the_host(host):
    """It needs nothing of the host, so the app of the site is not deployed either."""
    [site] = published(app="never", paths={"/static/admin/": {"rate": "1r/s"}})["given"]
    apps = [{"name": "never", "source": "/no/such/project"}]
    played = Play(REPOSITORY / "playbooks/site.yml", host, django_apps=apps, django_sites=[site]).finish()
    assert played.code
    assert "location '/static/admin/': 'rate' has no effect" in played.refusal
    assert played.refusal.endswith("Nothing was changed.")
    assert "TASK [gatehouse.django.nginx :" not in played.output
    assert "TASK [gatehouse.django.django_app :" not in played.output

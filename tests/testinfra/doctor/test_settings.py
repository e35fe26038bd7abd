"""Settings that do not fit the site: visitors notice, and the doctor reports them until they are restored.

A test changes a release's environment, as a deploy does, and restarts its processes.
"""

import http.client
import json
import re
import shlex
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from helpers.doctor import CERTIFICATE, NAME
from helpers.hosts import make_superuser, release_of, unit
from helpers.http import Answer, Visitor
from helpers.play import Play
from helpers.states import ANOTHER
from helpers.tls import connect, trusting

OTHER, PLAIN = "other.example.test", "plain.example.test"
HOSTS = f"{NAME},{OTHER},{PLAIN}"
SOCKET = "http://unix:/srv/guestbook/current/web.sock"
PUBLISH = Path(__file__).parent / "publish.yml"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def found(doctor):
    """found(): the findings about settings."""
    return lambda: doctor(settings_only=True)


@pytest.fixture
def cause(only):
    """cause(site): the cause and the remedy of the only finding."""

    def cause(site=NAME):
        finding = only(settings_only=True)
        assert finding["site"] == site
        return finding["cause"], finding["remedy"]

    return cause


@pytest.fixture(autouse=True)
def restored(found):
    """A test restores what it changes: then there are no findings."""
    yield
    assert found() == []


@pytest.fixture
def environment(host, driver):
    """environment(**variables): the app with other variables; `settings` are those of the inventory."""

    @contextmanager
    def environment(restart=True, **variables):
        if "settings" in variables:
            variables["GATEHOUSE_SETTINGS"] = json.dumps(variables.pop("settings"))
        path = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/env"
        service = unit(host, "guestbook", "service")
        # Without the kill, the processes would wait for nginx to close its idle connections.
        start = f"systemctl kill --signal=KILL {service}; systemctl restart {service}" if restart else "true"
        driver.shell(f"cp -a {path} /root/env")
        try:
            # Of two lines for one variable systemd takes the later one.
            driver.shell(f"printf %s {shlex.quote(render(variables))} >> {path}\n{start}")
            yield
        finally:
            driver.shell(f"mv /root/env {path}\n{start}")

    return environment


@pytest.fixture
def plain(driver):
    """plain(static): another site of the app, without TLS, with its static files in *static*."""

    @contextmanager
    def plain(static="/srv/guestbook/current/static/"):
        locations = [{"path": "/static/", "alias": static}, {"path": "/", "proxy_pass": SOCKET}]
        answer = driver.publish({"name": "plain", "server_name": [PLAIN], "locations": locations})
        try:
            assert not answer["failed"], answer
            yield
        finally:
            driver.publish({"name": "plain", "state": "absent"})

    return plain


def by_hand(*headers):
    """A server that Gatehouse did not write, which sends the app these headers."""
    return f"""
        server {{
            listen 8443 ssl;
            server_name {OTHER};
            ssl_certificate {CERTIFICATE};
            ssl_certificate_key {CERTIFICATE};
            client_max_body_size 20m;
            location /static/ {{ alias /srv/guestbook/current/static/; }}
            location / {{
                proxy_pass {SOCKET};
                {" ".join(f"proxy_set_header {header};" for header in headers)}
            }}
        }}
    """


@pytest.fixture
def upload(driver):
    """The name of a file that a visitor uploaded."""
    path = "/srv/guestbook/data/media/kept.txt"
    driver.shell(f"install --owner=guestbook --group=www-data --mode=0640 /etc/hostname {path}")
    yield "kept.txt"
    driver.shell(f"rm {path}")


def connected(address, name=NAME, port=443):
    connection = http.client.HTTPSConnection(address, port)
    connection.sock = connect(address, name, trusting(), port)
    return connection


def visit(address, path="/", name=NAME, port=443):
    connection = connected(address, name, port)
    connection.request("GET", path, headers={"Host": name if port == 443 else f"{name}:{port}"})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def sign(address, name=NAME, port=443):
    """Send the guestbook's form as a browser does; return the status."""
    own = name if port == 443 else f"{name}:{port}"
    connection = connected(address, name, port)
    connection.request("GET", "/", headers={"Host": own})
    page = connection.getresponse()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())[1]
    headers = {
        "Host": own,
        "Origin": f"https://{own}",
        "Cookie": page.headers["Set-Cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    fields = {"name": "A visitor", "message": "Hello", "csrfmiddlewaretoken": token}
    connection.request("POST", "/", urlencode(fields), headers)
    return connection.getresponse().status


def test_no_findings_on_a_healthy_site(address, found):
    assert (visit(address).status, sign(address)) == (200, 302)
    assert found() == []


def test_a_name_that_is_not_allowed(address, environment, cause):
    with environment(DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        assert visit(address).status == 400
        line = f'DJANGO_ALLOWED_HOSTS: "elsewhere.example.test,{NAME}"'
        assert cause() == (
            f"Django answers 400 to each request for {NAME}: ALLOWED_HOSTS is ['elsewhere.example.test'].",
            f"Write in the app's environment in the inventory: `{line}`.",
        )


def test_a_name_that_the_inventory_does_not_allow(address, environment, cause):
    with environment(settings={"ALLOWED_HOSTS": [OTHER]}):
        assert visit(address).status == 400
        assert cause()[1].endswith(f'settings in the inventory: `ALLOWED_HOSTS: ["{OTHER}", "{NAME}"]`.')


def test_a_redirect_loop(address, environment, cause):
    with environment(settings={"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "on"]}):
        answer = visit(address)
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/")
        text, remedy = cause()
        assert "SECURE_SSL_REDIRECT redirects each request to itself in a loop" in text
        assert "expects 'on' in X-Forwarded-Proto, but nginx sends 'https'" in text
        assert '`SECURE_PROXY_SSL_HEADER: ["HTTP_X_FORWARDED_PROTO", "https"]`' in remedy


def test_forms_that_are_refused_behind_tls(address, environment, cause):
    settings = {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "on"]}
    with environment(DJANGO_HTTPS="", settings=settings):
        assert sign(address) == 403
        assert "Django answers 403 (CSRF) to each form" in cause()[0]


def test_a_blanked_header_is_no_finding_if_the_server_knows_the_scheme(address, environment, found):
    with environment(settings={"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_SSL", "on"]}):
        assert sign(address) == 302
        assert found() == []


def test_nginx_that_does_not_send_the_port(address, environment, written, found, cause):
    with written(by_hand("Host $host", "X-Forwarded-Proto $scheme")):
        assert sign(address, OTHER, 8443) == 403
        text, remedy = cause(OTHER)
        assert f"Django answers 403 (CSRF) to each form from https://{OTHER}:8443" in text
        assert remedy == f"Write in guestbook.settings: `CSRF_TRUSTED_ORIGINS = ['https://{OTHER}:8443']`."
        with environment(DJANGO_CSRF_TRUSTED_ORIGINS=f"https://{OTHER}:8443"):
            assert sign(address, OTHER, 8443) == 302
            assert found() == []
    with written(by_hand("Host $http_host", "X-Forwarded-Proto $scheme")):
        assert sign(address, OTHER, 8443) == 302
        assert found() == []


def test_nginx_that_does_not_send_the_scheme(address, written, cause):
    with written(by_hand("Host $http_host")):
        assert visit(address, "/", OTHER, 8443).status == 301
        text, remedy = cause(OTHER)
        assert "reads X-Forwarded-Proto, which nginx does not send" in text
        assert f"at {ANOTHER}:9: `proxy_set_header X-Forwarded-Proto $scheme;`" in remedy


def test_nginx_that_does_not_send_the_host(address, written, cause):
    with written(by_hand("X-Forwarded-Proto $scheme")):
        assert visit(address, "/", OTHER, 8443).status == 400
        text, remedy = cause(OTHER)
        assert "the name of its upstream as Host" in text
        assert f"at {ANOTHER}:9: `proxy_set_header Host $host;`" in remedy


def test_a_redirect_to_missing_https(address, environment, plain, cause):
    with environment(DJANGO_ALLOWED_HOSTS=HOSTS), plain():
        answer = Visitor(address, PLAIN).get("/")
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{PLAIN}/")
        with pytest.raises(OSError):
            visit(address, name=PLAIN)
        text, remedy = cause(PLAIN)
        assert text.startswith(f"SECURE_SSL_REDIRECT leads to https://{PLAIN}")
        assert "`tls: acme`" in remedy


def test_logins_that_do_not_last(host, address, environment, plain, cause):
    make_superuser(host, "guestbook", PASSWORD)
    settings = {"SECURE_SSL_REDIRECT": False, "CSRF_COOKIE_SECURE": False}
    with environment(DJANGO_ALLOWED_HOSTS=HOSTS, settings=settings), plain():
        visitor = Visitor(address, PLAIN)
        assert visitor.log_in("/admin/login/", "visitor", PASSWORD).status == 302
        assert visitor.get("/admin/").headers["Location"].startswith("/admin/login/")
        text, _remedy = cause(PLAIN)
        assert text.startswith("SESSION_COOKIE_SECURE limits")
        assert text.endswith("so no login lasts.")


def test_forms_that_are_refused_without_tls(address, environment, plain, cause):
    settings = {"SECURE_SSL_REDIRECT": False, "SESSION_COOKIE_SECURE": False}
    with environment(DJANGO_ALLOWED_HOSTS=HOSTS, settings=settings), plain():
        visitor = Visitor(address, PLAIN)
        fields = {"name": "A visitor", "message": "Hello", "csrfmiddlewaretoken": visitor.get("/").csrf_token()}
        assert visitor.submit("/", fields).status == 403
        text, _remedy = cause(PLAIN)
        assert text.startswith("CSRF_COOKIE_SECURE limits")
        assert text.endswith("so Django answers 403 (CSRF) to each form.")


def test_static_files_under_another_path(address, environment, cause):
    with environment(settings={"STATIC_URL": "/assets/"}):
        path = re.search(r'href="(/assets/[^"]+[.]css)"', visit(address).text)[1]
        assert visit(address, path).status == 404
        text, remedy = cause()
        assert text.startswith("STATIC_URL is '/assets/', but nginx sends the files of STATIC_ROOT under /static/")
        assert remedy.endswith('`STATIC_URL: "/static/"`.')


def test_static_files_from_another_directory(driver, address, environment, plain, cause):
    driver.shell("mkdir -p /var/www/other")
    with environment(DJANGO_ALLOWED_HOSTS=HOSTS, DJANGO_HTTPS=""), plain("/var/www/other/"):
        visitor = Visitor(address, PLAIN)
        path = re.search(r'href="(/static/[^"]+[.]css)"', visitor.get("/").text)[1]
        assert visitor.get(path).status == 404
        text, remedy = cause(PLAIN)
        assert text.startswith("nginx sends /static/ from '/var/www/other/', which has no '")
        assert remedy.endswith("`static: {/static/: /srv/guestbook/current/static/}`.")


def test_uploads_under_another_path(address, environment, upload, cause):
    with environment(settings={"MEDIA_URL": "/uploads/"}):
        assert (visit(address, f"/uploads/{upload}").status, visit(address, f"/media/{upload}").status) == (404, 200)
        text, remedy = cause()
        assert text.startswith("MEDIA_URL is '/uploads/', but nginx sends the files of MEDIA_ROOT under /media/")
        assert remedy.endswith('`MEDIA_URL: "/media/"`.')


def test_a_body_that_nginx_refuses(driver, address, environment, cause):
    with environment(settings={"DATA_UPLOAD_MAX_MEMORY_SIZE": 50_000_000}):
        connection = connected(address)
        connection.putrequest("POST", "/", skip_host=True)
        connection.putheader("Host", NAME)
        connection.putheader("Content-Length", "30000000")
        connection.endheaders()
        assert connection.getresponse().status == 413
        # Otherwise the doctor would report this request, too.
        driver.shell("truncate --size 0 /var/log/nginx/error.log")
        text, remedy = cause()
        assert "more than 20971520 bytes" in text
        assert remedy.endswith("`client_max_body_size: 48m`.")


def test_settings_that_do_not_load(environment, cause):
    with environment(restart=False, DJANGO_SECRET_KEY=""):
        text, remedy = cause()
        assert text.startswith("The settings of app guestbook do not load: ")
        assert "ImproperlyConfigured: Set DJANGO_SECRET_KEY to a long random string" in text
        assert re.search(r"\(guestbook/settings\.py, line \d+\)\.$", text)
        assert remedy.startswith("Type `/srv/guestbook/manage check`")


def test_an_error_that_quotes_a_part_of_a_secret(environment, cause):
    with environment(restart=False, DATABASE_URL="pa55word://localhost/guestbook"):
        text, remedy = cause()
        assert text.startswith("The settings of app guestbook do not load: dj_database_url.UnknownSchemeError: ")
        assert "'********'" in text
        assert "pa55word" not in text + remedy


@pytest.mark.parametrize("check", [False, True])
def test_the_role_warns_and_goes_on(host, environment, check):
    with environment(DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        played = Play(PUBLISH, host, lab_check=check).finish()
        assert played.code == 0, played.output
        # Ansible wraps a warning.
        text = " ".join(played.output.split())
        assert f"[WARNING]: {NAME}: Django answers 400 to each request for {NAME}: ALLOWED_HOSTS" in text
        assert re.search(r"changed=0 .*failed=0", played.output)


def test_the_playbook_fails_with_cause_and_remedy(host, environment):
    with environment(DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        played = Play("gatehouse.django.doctor", host, doctor_url=NAME).finish()
        assert played.code != 0
        assert f"Django answers 400 to each request for {NAME}: ALLOWED_HOSTS is" in played.output
        assert "Write in the app's environment in the inventory: `DJANGO_ALLOWED_HOSTS: " in played.output
        assert played.refusal.startswith("Problems found: 1, ")


def test_the_playbook_shows_requests_and_answers_on_a_healthy_host(host):
    played = Play("gatehouse.django.doctor", host, format="json").finish()
    assert played.code == 0, played.output
    said = played.output.rpartition('"msg": {')[2]
    assert f'"{host.backend.name}": {{' in said
    assert f'"url": "https://{NAME}/"' in said
    assert re.search(rf'"status": 200,\s+"url": "https://{NAME}/static/', said)
    assert "changed=0" in played.output

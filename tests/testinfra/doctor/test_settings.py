"""Settings that do not fit the site: visitors notice, the doctor names them, and once they are put back it is content.

A release's environment is changed, as another deploy would, and its processes started anew.
"""

import http.client
import json
import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app_environment import render
from helpers.hosts import eventually, make_superuser, release_of, unit
from helpers.http import Answer, Visitor
from helpers.module import call
from helpers.play import Play
from helpers.tls import connect, trusting

NAME, OTHER, PLAIN = "guestbook.example.test", "other.example.test", "plain.example.test"
HOSTS = f"{NAME},{OTHER},{PLAIN}"
SOCKET = "http://unix:/srv/guestbook/current/web.sock"
PUBLISH = Path(__file__).parent / "publish.yml"
PASSWORD = "correct horse battery staple"
HAND_WRITTEN = """
server {
    listen 8443 ssl;
    server_name other.example.test;
    ssl_certificate /etc/nginx/gatehouse/certificates/guestbook.pem;
    ssl_certificate_key /etc/nginx/gatehouse/certificates/guestbook.pem;
    client_max_body_size 20m;
    location /static/ { alias /srv/guestbook/current/static/; }
    location /media/ { alias /srv/guestbook/data/media/; }
    location / {
        proxy_pass http://unix:/srv/guestbook/current/web.sock;
        HEADERS
    }
}
"""


@pytest.fixture(autouse=True)
def well(host):
    """What a test changes it puts back: then there is nothing to be found."""
    yield
    assert found(host) == []


def found(host):
    answer = call(host, "django_doctor", settings_only=True)
    assert not answer["failed"], answer
    assert (answer["changed"], answer["asked"]) == (False, [])
    return answer["findings"]


def only(host, site=NAME):
    """Cause and remedy of the one finding."""
    (finding,) = found(host)
    assert finding["site"] == site
    return finding["cause"], finding["remedy"]


@contextmanager
def environment(host, restart=True, **variables):
    """The app with these in its environment; `settings` are those that the inventory has the last word on."""
    if "settings" in variables:
        variables["GATEHOUSE_SETTINGS"] = json.dumps(variables.pop("settings"))
    path = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/env"
    start = f"systemctl restart {unit(host, 'guestbook', 'service')}" if restart else "true"
    host.check_output("cp -a %s /root/env", path)
    try:
        # Of two lines for one variable the later one counts.
        host.check_output("printf '%%s' %s >> %s", render(variables), path)
        host.check_output(start)
        yield
    finally:
        host.check_output("mv /root/env %s", path)
        host.check_output(start)


@contextmanager
def site(host, **changes):
    """Another site of the app's, without TLS unless *changes* say so."""
    locations = [
        {"path": "/static/", "alias": "/srv/guestbook/current/static/"},
        {"path": "/media/", "alias": "/srv/guestbook/data/media/"},
        {"path": "/", "proxy_pass": SOCKET},
    ]
    published = {"name": "plain", "server_name": [PLAIN], "locations": locations} | changes
    answer = call(host, "nginx_config", sites=[published])
    try:
        assert not answer["failed"], answer
        yield
    finally:
        call(host, "nginx_config", sites=[{"name": "plain", "state": "absent"}])


@contextmanager
def written_by_hand(host, address, *headers):
    """A site that Gatehouse has not made, which sends the app these headers."""
    text = HAND_WRITTEN.replace("HEADERS", " ".join(f"proxy_set_header {header};" for header in headers))
    reload = "nginx -t && systemctl reload nginx"

    def serves():
        try:
            return visit(address, "/healthz", OTHER, 8443)
        except OSError:
            return None

    host.check_output("printf '%%s' %s > /etc/nginx/conf.d/other.conf", text)
    try:
        host.check_output(reload)
        assert eventually(serves)
        yield
    finally:
        host.check_output(f"rm /etc/nginx/conf.d/other.conf && {reload}")


@contextmanager
def upload(host):
    """A file that a visitor has sent."""
    path = "/srv/guestbook/data/media/kept.txt"
    host.check_output("setpriv --reuid guestbook --regid guestbook --clear-groups sh -c 'echo kept > %s'", path)
    host.check_output("chmod 0644 %s", path)
    try:
        yield "kept.txt"
    finally:
        host.check_output("rm %s", path)


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
    """What the guestbook answers to its form, which comes back as a browser sends it."""
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


def test_a_site_that_is_well(host, address):
    assert (visit(address).status, sign(address)) == (200, 302)
    assert found(host) == []


def test_a_name_that_is_not_allowed(host, address):
    with environment(host, DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        assert visit(address).status == 400
        assert only(host) == (
            f"Django answers 400 to each request for {NAME}: ALLOWED_HOSTS is ['elsewhere.example.test'].",
            f"Write in guestbook.settings: `ALLOWED_HOSTS = ['elsewhere.example.test', '{NAME}']`",
        )


def test_a_name_that_the_inventory_does_not_allow(host, address):
    with environment(host, settings={"ALLOWED_HOSTS": [OTHER]}):
        assert visit(address).status == 400
        assert only(host)[1] == (
            f'Write in the app\'s settings in the inventory: `ALLOWED_HOSTS: ["{OTHER}", "{NAME}"]`'
        )


def test_a_redirect_without_end(host, address):
    with environment(host, settings={"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "on"]}):
        answer = visit(address)
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/")
        cause, remedy = only(host)
        assert "SECURE_SSL_REDIRECT redirects each request to itself, without end" in cause
        assert "waits for 'on' in X-Forwarded-Proto, and nginx sends 'https'" in cause
        assert '`SECURE_PROXY_SSL_HEADER: ["HTTP_X_FORWARDED_PROTO", "https"]`' in remedy


def test_forms_that_are_refused_behind_tls(host, address):
    settings = {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "on"]}
    with environment(host, DJANGO_HTTPS="", settings=settings):
        assert sign(address) == 403
        assert "each form is answered with 403 (CSRF)" in only(host)[0]


def test_a_header_that_nginx_blanks_does_no_harm_where_the_server_knows(host, address):
    with environment(host, settings={"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_SSL", "on"]}):
        assert sign(address) == 302
        assert found(host) == []


def test_nginx_that_passes_on_less_than_the_visitors_address(host, address):
    with written_by_hand(host, address, "Host $host", "X-Forwarded-Proto $scheme"):
        assert sign(address, OTHER, 8443) == 403
        cause, remedy = only(host, OTHER)
        assert f"Django answers 403 (CSRF) to each form from https://{OTHER}:8443" in cause
        assert remedy == f"Write in guestbook.settings: `CSRF_TRUSTED_ORIGINS = ['https://{OTHER}:8443']`"
        with environment(host, DJANGO_CSRF_TRUSTED_ORIGINS=f"https://{OTHER}:8443"):
            assert sign(address, OTHER, 8443) == 302
            assert found(host) == []
    with written_by_hand(host, address, "Host $http_host", "X-Forwarded-Proto $scheme"):
        assert sign(address, OTHER, 8443) == 302
        assert found(host) == []


def test_nginx_that_does_not_say_that_it_is_https(host, address):
    with written_by_hand(host, address, "Host $http_host"):
        assert visit(address, "/", OTHER, 8443).status == 301
        cause, remedy = only(host, OTHER)
        assert "looks for X-Forwarded-Proto, which nginx does not send" in cause
        assert "`proxy_set_header X-Forwarded-Proto $scheme;`" in remedy


def test_nginx_that_does_not_say_which_site_it_is(host, address):
    with written_by_hand(host, address, "X-Forwarded-Proto $scheme"):
        assert visit(address, "/", OTHER, 8443).status == 400
        cause, remedy = only(host, OTHER)
        assert "the name of its upstream as Host" in cause
        assert "`proxy_set_header Host $host;`" in remedy


def test_a_redirect_to_https_that_is_not_there(host, address):
    with environment(host, DJANGO_ALLOWED_HOSTS=HOSTS), site(host):
        answer = Visitor(address, PLAIN).get("/")
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{PLAIN}/")
        with pytest.raises(OSError):
            visit(address, name=PLAIN)
        cause, remedy = only(host, PLAIN)
        assert cause.startswith(f"SECURE_SSL_REDIRECT leads to https://{PLAIN}")
        assert "`tls: acme`" in remedy


def test_logins_that_do_not_last(host, address):
    make_superuser(host, "guestbook", PASSWORD)
    settings = {"SECURE_SSL_REDIRECT": False, "CSRF_COOKIE_SECURE": False}
    with environment(host, DJANGO_ALLOWED_HOSTS=HOSTS, settings=settings), site(host):
        visitor = Visitor(address, PLAIN)
        assert visitor.log_in("/admin/login/", "visitor", PASSWORD).status == 302
        assert visitor.get("/admin/").headers["Location"].startswith("/admin/login/")
        cause, _remedy = only(host, PLAIN)
        assert cause.startswith("SESSION_COOKIE_SECURE keeps")
        assert cause.endswith("so that no login lasts.")


def test_forms_that_are_refused_without_tls(host, address):
    settings = {"SECURE_SSL_REDIRECT": False, "SESSION_COOKIE_SECURE": False}
    with environment(host, DJANGO_ALLOWED_HOSTS=HOSTS, settings=settings), site(host):
        visitor = Visitor(address, PLAIN)
        fields = {"name": "A visitor", "message": "Hello", "csrfmiddlewaretoken": visitor.get("/").csrf_token()}
        assert visitor.submit("/", fields).status == 403
        cause, _remedy = only(host, PLAIN)
        assert cause.startswith("CSRF_COOKIE_SECURE keeps")
        assert cause.endswith("so that each form is answered with 403 (CSRF).")


def test_static_files_under_another_path(host, address):
    with environment(host, settings={"STATIC_URL": "/assets/"}):
        path = re.search(r'href="(/assets/[^"]+[.]css)"', visit(address).text)[1]
        assert visit(address, path).status == 404
        cause, remedy = only(host)
        assert cause.startswith("STATIC_URL is '/assets/', and nginx sends the files of STATIC_ROOT under /static/")
        assert remedy.endswith('`STATIC_URL: "/static/"`')


def test_static_files_from_another_directory(host, address):
    host.check_output("mkdir -p /var/www/other")
    locations = [{"path": "/static/", "alias": "/var/www/other/"}, {"path": "/", "proxy_pass": SOCKET}]
    with environment(host, DJANGO_ALLOWED_HOSTS=HOSTS, DJANGO_HTTPS=""), site(host, locations=locations):
        visitor = Visitor(address, PLAIN)
        path = re.search(r'href="(/static/[^"]+[.]css)"', visitor.get("/").text)[1]
        assert visitor.get(path).status == 404
        cause, remedy = only(host, PLAIN)
        assert cause.startswith("nginx sends /static/ from '/var/www/other/', which has no '")
        assert remedy.endswith("`static: {/static/: /srv/guestbook/current/static/}`")


def test_uploads_under_another_path(host, address):
    with upload(host) as name, environment(host, settings={"MEDIA_URL": "/uploads/"}):
        assert (visit(address, f"/uploads/{name}").status, visit(address, f"/media/{name}").status) == (404, 200)
        cause, remedy = only(host)
        assert cause.startswith("MEDIA_URL is '/uploads/', and nginx sends the files of MEDIA_ROOT under /media/")
        assert remedy.endswith('`MEDIA_URL: "/media/"`')


def test_a_body_that_nginx_refuses(host, address):
    with environment(host, settings={"DATA_UPLOAD_MAX_MEMORY_SIZE": 50_000_000}):
        connection = connected(address)
        connection.putrequest("POST", "/", skip_host=True)
        connection.putheader("Host", NAME)
        connection.putheader("Content-Length", "30000000")
        connection.endheaders()
        assert connection.getresponse().status == 413
        # The doctor would go on to speak of it.
        host.check_output("truncate --size 0 /var/log/nginx/error.log")
        cause, remedy = only(host)
        assert "more than 20971520 bytes" in cause
        assert remedy.endswith("`client_max_body_size: 48m`")


def test_settings_that_do_not_load(host):
    with environment(host, restart=False, DJANGO_SECRET_KEY=""):
        cause, remedy = only(host)
        assert cause.startswith("The settings of app guestbook do not load: ")
        assert "ImproperlyConfigured: Set DJANGO_SECRET_KEY to a long random string" in cause
        assert re.search(r"\(guestbook/settings\.py, line \d+\)\.$", cause)
        assert remedy.startswith("`/srv/guestbook/manage check`")


def test_an_error_that_quotes_a_secret(host):
    # A password with a '#' in it: what is left of it is taken for a port.
    with environment(host, restart=False, DATABASE_URL="postgres://guestbook:pa55word#1@localhost/guestbook"):
        answer = call(host, "django_doctor", settings_only=True)
        (finding,) = answer["findings"]
        assert finding["cause"].startswith("The settings of app guestbook do not load: ValueError: ")
        assert "********" in finding["cause"]
        assert "pa55word" not in answer["printed"]


@pytest.mark.parametrize("check", [False, True])
def test_the_role_warns_and_goes_on(host, check):
    with environment(host, DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        played = Play(PUBLISH, host, lab_check=check).finish()
        assert played.code == 0, played.output
        # A warning is folded.
        said = " ".join(played.output.split())
        assert f"[WARNING]: {NAME}: Django answers 400 to each request for {NAME}: ALLOWED_HOSTS" in said
        assert re.search(r"changed=0 .*failed=0", played.output)


def test_the_playbook_fails_with_cause_and_remedy(host):
    with environment(host, DJANGO_ALLOWED_HOSTS="elsewhere.example.test"):
        played = Play("gatehouse.django.doctor", host, doctor_url=NAME).finish()
        assert played.code != 0
        assert f"Django answers 400 to each request for {NAME}: ALLOWED_HOSTS is" in played.output
        assert "Write in guestbook.settings: `ALLOWED_HOSTS = [" in played.output
        assert played.refusal.startswith("1 found")


def test_the_playbook_says_what_was_asked_where_all_is_well(host):
    played = Play("gatehouse.django.doctor", host).finish()
    assert played.code == 0, played.output
    assert f"https://{NAME}/: 200" in played.output
    assert re.search(rf"https://{NAME}/static/\S+: 200", played.output)
    assert "changed=0" in played.output

"""Each cause on a real host: the doctor reports it with its remedy, and reports nothing once the host is restored."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from helpers.doctor import NAME, RELOAD, proxied, tls
from helpers.hosts import eventually, release_of, unit
from helpers.module import call
from helpers.play import Play
from helpers.states import ANOTHER, file_of_another_owner, port_held, write

RELEASE = "/srv/guestbook/current"
SITE = "/etc/nginx/gatehouse/live/sites/guestbook.conf"
STATIC = f"https://{NAME}/static"
PLAYBOOK = "gatehouse.django.doctor"
RESTARTED = "for i in $(seq 100); do systemctl show -P NRestarts {} | grep -qv '^0' && exit; sleep 0.1; done"


def is_healthy(answer):
    asked = {one["url"]: one["status"] for one in answer["asked"]}
    files = {status for url, status in asked.items() if url.startswith(f"{STATIC}/")}
    return (answer["findings"], asked.get(f"https://{NAME}/"), files) == ([], 200, {200})


@pytest.fixture(autouse=True)
def restored(driver):
    yield
    # nginx remembers for two seconds that it could not open a static file.
    eventually(driver.doctor, until=is_healthy)


def test_no_findings_on_a_healthy_host(host, driver, doctor):
    assert doctor() == []
    assert doctor(url=f"https://{NAME}/admin/") == []
    assert doctor(url=NAME) == []
    assert doctor(url=f"http://www.{NAME}/") == []
    assert doctor(settings_only=True) == []


def test_the_doctor_changes_nothing(host, driver):
    """In check mode, through Ansible."""
    trees = ("/etc/nginx", f"{RELEASE}/project")
    before = [driver.ask("snapshot", tree) for tree in trees]
    answer = call(host, "django_doctor", check=True, url=f"https://{NAME}/?token=hidden")
    assert (answer["failed"], answer["changed"], answer["findings"]) == (False, False, [])
    assert answer["asked"][0] == {"url": f"https://{NAME}/", "status": 200}
    # The files that the page refers to.
    assert {(one["url"].rpartition(".")[2], one["status"]) for one in answer["asked"][1:]} == {
        ("png", 200),
        ("css", 200),
        ("svg", 200),
    }
    assert [driver.ask("snapshot", tree) for tree in trees] == before
    # It starts programs and writes to their pipes, whose names are numbers.
    assert [event for event in driver.doctor()["events"] if not re.match(r"subprocess.Popen |open \d+$", event)] == []


def test_the_playbook(host, driver, undo):
    played = Play(PLAYBOOK, host).finish()
    assert played.code == 0, played.output
    # Lines as they are, without the quotes of JSON.
    assert {f"  https://{NAME}/: 200", f"{host.backend.name}: no problem found"} <= set(played.output.splitlines())
    undo("systemctl restart guestbook-web")
    driver.shell("systemctl stop guestbook-web")
    played = Play(PLAYBOOK, host).finish()
    assert played.code == 2, played.output
    said = [line for line in played.output.splitlines() if line.startswith("  Cause:    ")]
    assert len(said) == 1
    assert f"{unit(host, 'guestbook', 'socket')}, is inactive (dead)" in said[0]
    assert f"  Explains: https://{NAME}/: 502" in played.output.splitlines()


@pytest.mark.parametrize("url", ["ftp://example.test/", "https://user:geheim@example.test/", "a b", "http://", ""])
def test_an_invalid_url_is_refused(driver, url):
    answer = driver.doctor(url=url)
    assert answer["failed"]
    assert answer["msg"].startswith("url: ")
    assert "geheim" not in answer["msg"]


# nginx itself


def test_nginx_is_stopped(driver, only, follow, nginx_started):
    driver.shell("systemctl stop nginx")
    finding = only()
    assert finding["cause"] == "nginx does not run: nginx.service is inactive (dead)."
    follow(finding)
    assert driver.shell("systemctl is-active nginx") == "active"


def test_another_program_listens_on_the_port(driver, only, nginx_started):
    driver.shell("systemctl stop nginx")
    with port_held(driver, 80):
        finding = only()
        assert re.match(r"nginx does not run, and python3 \(process \d+\) listens on its port 80", finding["cause"])


def test_a_broken_configuration(driver, only, nginx_started):
    with file_of_another_owner(driver, "server {\n    listen 80;\n    nonsense on;\n}\n"):
        finding = only()
        assert f'unknown directive "nonsense" in {ANOTHER}:3' in finding["cause"]
        assert "nginx still serves the configuration that it read before" in finding["cause"]
        assert finding["remedy"] == f"Correct {ANOTHER}:3, then `nginx -t && systemctl reload nginx`."
        driver.shell("systemctl stop nginx")
        assert "nginx does not run for this reason." in only()["cause"]


def test_a_configuration_that_nginx_has_not_read(driver, only, follow):
    """The file names a port on which nginx does not listen."""
    with file_of_another_owner(driver, "server { listen 8099; server_name late.example.test; return 200; }"):
        finding = only(url="http://late.example.test:8099/")
        assert f"{ANOTHER} has changed since nginx read its configuration" in finding["cause"]
        follow(finding)
        driver.shell(RELOAD)
        assert "finds no address for late.example.test" in only(url="http://late.example.test:8099/")["cause"]
    driver.shell(RELOAD)


# The application does not answer. nginx keeps connections to it for some seconds; a reload ends them.


def test_the_app_is_stopped(host, driver, only, follow, undo):
    undo("systemctl restart guestbook-web")
    driver.shell("systemctl stop guestbook-web")
    finding = only()
    assert finding["site"] == NAME
    assert f"{unit(host, 'guestbook', 'socket')}, is inactive (dead), so nothing listens" in finding["cause"]
    follow(finding)


def test_the_app_does_not_start(host, driver, only, undo):
    env, service = f"{RELEASE}/env", unit(host, "guestbook", "service")
    driver.shell(f"cp -p {env} /root/env")
    undo(f"mv /root/env {env}; systemctl restart {service}")
    driver.shell(f"sed -i '/^DJANGO_SECRET_KEY=/d' {env}; systemctl restart --no-block {service}")
    driver.shell(RESTARTED.format(service))
    started = time.monotonic()
    finding = only()
    assert time.monotonic() - started < 300
    assert f"The web service of guestbook, {service}, does not keep running" in finding["cause"]
    assert "ImproperlyConfigured: Set DJANGO_SECRET_KEY" in finding["cause"]
    assert f"journalctl -n 50 -u {service}" in finding["remedy"]
    assert "gatehouse.django.rollback -e app=guestbook" in finding["remedy"]


def test_the_python_of_the_app_is_gone(host, driver, only, undo):
    """As after an upgrade of Debian and `apt-get autoremove`. No older release would start either."""
    python = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/venv/bin/python"
    service = unit(host, "guestbook", "service")
    undo(f"ln -sfn $(cat /root/python) {python}; systemctl reset-failed {service}; systemctl restart {service}")
    driver.shell(f"readlink {python} > /root/python; ln -sfn /usr/bin/python3.9 {python}")
    finding = only()
    assert re.search(r"was built for Python 3\.1\d, and the host no longer has '/usr/bin/python3\.9'", finding["cause"])
    assert finding["explains"] == []
    driver.shell(f"systemctl kill --signal=KILL {service}; systemctl restart --no-block {service}")
    driver.shell(RESTARTED.format(service))
    finding = only()
    assert finding["explains"][0].startswith(f"https://{NAME}/: ")
    assert "the host no longer has '/usr/bin/python3.9'" in finding["cause"]
    assert "Deploy the app again" in finding["remedy"]
    assert "rollback" not in finding["remedy"]


def test_the_socket_unit_is_missing(host, driver, only, undo):
    file = "/etc/systemd/system/guestbook-web@.socket"
    undo("systemctl restart guestbook-web")
    undo(f"mv /root/socket {file}; systemctl daemon-reload")
    driver.shell(f"systemctl stop guestbook-web; mv {file} /root/socket; systemctl daemon-reload")
    finding = only()
    assert (
        f"The unit file of {unit(host, 'guestbook', 'socket')}, which creates the socket of guestbook, is missing"
        in finding["cause"]
    )
    assert finding["remedy"] == "Deploy it again: `ansible-playbook gatehouse.django.site`."


def test_the_socket_is_removed(host, driver, only, doctor, follow, undo):
    path = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/web.sock"
    undo("systemctl restart guestbook-web")
    driver.shell(f"rm {path}\n{RELOAD}")
    finding = only()
    assert f"The socket {path} of guestbook was removed" in finding["cause"]
    follow(finding)
    assert doctor() == []


def test_no_release_is_served(driver, only, undo):
    undo(f"mv /root/current {RELEASE}")
    driver.shell(f"mv {RELEASE} /root/current")
    assert f"{RELEASE} does not lead to a complete release of guestbook" in only()["cause"]


def test_nginx_cannot_enter_the_directory_of_the_socket(driver, only, doctor, follow, undo):
    undo("chmod 0755 /srv/guestbook")
    driver.shell(f"chmod 0700 /srv/guestbook\n{RELOAD}")
    finding = only()
    assert finding["cause"] == (
        f"nginx cannot reach the socket {RELEASE}/web.sock: the directory /srv/guestbook (mode 0700 root:root) "
        "cannot be entered by nginx's user www-data."
    )
    assert finding["remedy"] == "`chmod o+x /srv/guestbook`"
    follow(finding)
    assert doctor() == []


def test_nginx_cannot_write_to_the_socket(host, driver, only, follow, undo):
    path = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/web.sock"
    undo(f"chmod 0660 {path}")
    driver.shell(f"chmod 0600 {path}\n{RELOAD}")
    finding = only()
    assert f"the socket {path} (mode 0600 root:www-data) cannot be written to by nginx's user" in finding["cause"]
    follow(finding)
    assert driver.shell(f"stat --format=%a {path}") == "620"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:8999", "127.0.0.1:8999 (%s:4), where nothing listens"),
        ("http://unix:/run/nothing.sock", "unix:/run/nothing.sock (%s:4), where there is no socket"),
    ],
)
def test_nothing_listens_on_the_upstream_address(only, written, address, words):
    with written(proxied(address)) as file:
        finding = only()
        assert finding["site"] == "hand.example.test"
        assert words % file in finding["cause"]
        # The only application of the host is another site's.
        assert f"applications of this host: the app guestbook (unix:{RELEASE}/web.sock)" in finding["cause"]
        assert "proxy_pass" not in finding["remedy"]


def test_the_files_of_a_site_show_which_application_is_meant(only, written):
    site = proxied("http://127.0.0.1:8999", "proxy_set_header Host $host;", name="other.example.test")
    files = f"location /static/ {{ alias {RELEASE}/static/; }}\n}}\n"
    with written(f"{site.rstrip()[:-1]}{files}") as file:
        finding = only()
        assert (
            f"the app guestbook, whose files this site publishes, listens on unix:{RELEASE}/web.sock"
            in finding["cause"]
        )
        assert f"'proxy_pass http://unix:{RELEASE}/web.sock;' in {file}:4" in finding["remedy"]


def test_a_socket_that_systemd_hides_from_nginx(driver, only, written, undo):
    """PrivateTmp gives a service a /tmp of its own."""
    drop_in = "/etc/systemd/system/nginx.service.d/zz-test.conf"
    undo(f"rm {drop_in}; systemctl daemon-reload; systemctl restart nginx; systemctl stop hidden; rm /tmp/app.sock")
    driver.shell(
        f"mkdir -p $(dirname {drop_in}); printf '[Service]\\nPrivateTmp=yes\\n' > {drop_in}\n"
        "systemctl daemon-reload; systemctl restart nginx\n"
        "systemd-run --quiet --collect --unit=hidden python3 -c 'import os, socket, time; "
        's = socket.socket(socket.AF_UNIX); s.bind("/tmp/app.sock"); os.chmod("/tmp/app.sock", 0o777); s.listen(); '
        "time.sleep(600)'\n"
        "for i in $(seq 50); do [ -S /tmp/app.sock ] && exit; sleep 0.1; done"
    )
    with written(proxied("http://unix:/tmp/app.sock")):
        assert "systemd hides /tmp/app.sock from nginx" in only()["cause"]


def test_the_app_is_too_slow(driver, only, written):
    name = "other.example.test"
    app, limit = f"http://unix:{RELEASE}/web.sock", "proxy_read_timeout 2;"
    known = "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-Proto https;"
    with written(proxied(app, *known, limit, name=name)) as file:
        finding = only(url=f"http://{name}/sleep?seconds=5&token=hidden")
        found = re.search(rf"does not answer /sleep within proxy_read_timeout 2 \({file}:(\d+)\)", finding["cause"])
        assert found, finding
        assert driver.shell(f"sed -n {found[1]}p {file}").strip() == limit
    assert "hidden" not in str(finding)
    assert "journalctl" in finding["remedy"]


def test_an_application_that_closes_the_connection(driver, only, written, undo):
    code = "import socket; s = socket.create_server(('127.0.0.1', 8998))\nwhile True: s.accept()[0].close()"
    undo("systemctl stop closing")
    driver.shell(f'systemd-run --quiet --collect --unit=closing python3 -c "{code}"')
    driver.shell("for i in $(seq 50); do ss -Hltn sport = :8998 | grep -q . && exit; sleep 0.1; done")
    with written(proxied("http://127.0.0.1:8998")):
        cause = only()["cause"]
        assert "takes the connection and then fails: nginx's error log says: " in cause
        assert "upstream prematurely closed connection" in cause or "Connection reset by peer" in cause


# Static files


@pytest.mark.parametrize(
    ("path", "mode", "words", "remedy"),
    [
        ("static", "0700", "the directory %s (mode 0700 root:root) cannot be entered by", "chmod o+x %s"),
        ("static/entries/gatehouse.png", "0600", "the file %s (mode 0600 root:root) cannot be read by", "chmod o+r %s"),
    ],
)
def test_nginx_cannot_read_a_file(host, driver, only, follow, undo, path, mode, words, remedy):
    real = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/{path}"
    driver.shell(f"stat --format=%a {real} > /root/mode; chmod {mode} {real}\n{RELOAD}")
    undo(f"chmod $(cat /root/mode) {real}")
    finding = only(url=f"{STATIC}/entries/gatehouse.png")
    assert f"{words % real} nginx's user www-data" in finding["cause"]
    assert finding["remedy"] == f"`{remedy % real}`"
    follow(finding)
    assert driver.doctor(url=f"{STATIC}/entries/gatehouse.png")["findings"] == []


@pytest.mark.parametrize(("command", "words"), [("true", "does not exist"), ("mkdir {}", "is empty")])
def test_collectstatic_was_not_run(host, driver, only, undo, command, words):
    static = f"/srv/guestbook/releases/{release_of(host, 'guestbook')}/static"
    undo(f"rmdir {static}; mv /root/static {static}")
    undo(f"mkdir -p {static}")
    driver.shell(f"mv {static} /root/static; {command.format(static)}")
    # The file need not have existed: the state of the directory is the cause.
    finding = only(url=f"{STATIC}/any.css")
    assert f"alias {RELEASE}/static/ ({SITE}:" in finding["cause"]
    assert f"{words}: collectstatic has not been run" in finding["cause"]
    assert finding["remedy"].startswith("Deploy guestbook again")


def test_a_static_directory_of_another_project_is_missing(only, written):
    site = "server { server_name hand.example.test; location /static/ { alias /opt/none/static/; } }"
    with written(site):
        finding = only()
        assert f"alias /opt/none/static/ ({ANOTHER}:1) does not exist" in finding["cause"]
        assert 'collectstatic` with STATIC_ROOT = "/opt/none/static"' in finding["remedy"]


def test_an_alias_without_its_slash(only, written):
    site = f"server {{ server_name hand.example.test;\nlocation /static/ {{ alias {RELEASE}/static; }} }}"
    with written(site):
        finding = only()
        assert "The alias of location /static/ lacks its last slash" in finding["cause"]
        assert f"'alias {RELEASE}/static/;' in {ANOTHER}:2" in finding["remedy"]


def test_a_missing_file(only):
    finding = only(url=f"{STATIC}/entries/none.css")
    assert f"There is no file {RELEASE}/static/entries/none.css, which is where nginx looks" in finding["cause"]
    assert f"alias {RELEASE}/static/ ({SITE}:" in finding["cause"]


def test_a_regular_expression_location_takes_the_file(only, written):
    site = f"""server {{
    server_name hand.example.test;
    location /static/ {{ alias {RELEASE}/static/; }}
    location ~ \\.css$ {{ root /var/www/html; expires 1d; }}
}}
"""
    with written(site):
        finding = only(url="http://hand.example.test/static/entries/guestbook.css")
        assert "There is no file /var/www/html/static/entries/guestbook.css" in finding["cause"]
        assert f"({ANOTHER}:4) takes it from location /static/ ({ANOTHER}:3)" in finding["cause"]
        assert f"'location ^~ /static/' in {ANOTHER}:3" in finding["remedy"]


@pytest.mark.parametrize(("path", "link"), [("leak", "leak"), ("dir/hostname", "dir")])
def test_a_link_that_nginx_does_not_follow(driver, only, written, undo, path, link):
    media = "/srv/guestbook/data/media/linked"
    undo(f"rm -r {media}")
    driver.shell(
        f"install --directory --owner=guestbook --group=www-data {media}\n"
        f"ln -s /etc/hostname {media}/leak; ln -s /etc {media}/dir"
    )
    site = f"""server {{
    server_name hand.example.test;
    location /media/ {{ alias {media}/; disable_symlinks on from={media}/; }}
}}
"""
    with written(site):
        finding = only(url=f"http://hand.example.test/media/{path}")
        assert f"{media}/{link} is a symbolic link to /etc" in finding["cause"]
        assert f"(disable_symlinks on from={media}/, {ANOTHER}:3)" in finding["cause"]
        assert "bind-mounted" in finding["remedy"]
        assert "/etc" not in finding["remedy"]


def test_a_path_that_reaches_the_application(only):
    finding = only(url=f"https://{NAME}/statik/x.css")
    assert "nginx passes /statik/x.css to the app guestbook (location ^~ /, " in finding["cause"]
    assert "which answers 404" in finding["cause"]


# Names, redirects, certificates


def test_a_host_that_django_does_not_allow(doctor, written):
    sock = f"http://unix:{RELEASE}/web.sock"
    with written(proxied(sock, "proxy_set_header Host $host;", "proxy_set_header X-Forwarded-Proto https;")):
        (finding,) = [one for one in doctor() if "ALLOWED_HOSTS" in one["cause"]]
        assert finding["site"] == "hand.example.test"
        assert "hand.example.test" in finding["cause"]


def test_a_host_header_that_nginx_does_not_set(only, driver, written, undo):
    """An application that Gatehouse did not deploy answers 400 as Django does."""
    code = (
        "import http.server as h; H = type('H', (h.BaseHTTPRequestHandler,), "
        "{'do_GET': lambda s: (s.send_response(200 if s.headers['Host'] == 'hand.example.test' else 400), "
        "s.end_headers())}); h.HTTPServer(('127.0.0.1', 8997), H).serve_forever()"
    )
    undo("systemctl stop strict")
    driver.shell(f'systemd-run --quiet --collect --unit=strict python3 -c "{code}"')
    driver.shell("for i in $(seq 50); do ss -Hltn sport = :8997 | grep -q . && exit; sleep 0.1; done")
    with written(proxied("http://127.0.0.1:8997")):
        finding = only()
        assert f"without a 'proxy_set_header Host' in {ANOTHER}:3" in finding["cause"]
        assert finding["remedy"].startswith(f"Write 'proxy_set_header Host $host;' in {ANOTHER}:3")
    with written(proxied("http://127.0.0.1:8997", "proxy_set_header Host $host;")):
        assert only(url="http://hand.example.test/")["cause"].startswith(
            "This host finds no address for hand.example.test"
        )
    with written(proxied("http://127.0.0.1:8997", "proxy_set_header Host $host;", name="other.example.test")):
        assert 'ALLOWED_HOSTS = ["other.example.test"]' in only()["remedy"]


def test_an_upload_that_is_too_large(driver, doctor, written):
    # The site has no first page, so only the log shows it.
    site = proxied("http://127.0.0.1:8999", "client_max_body_size 1k;", where="/upload/")
    with written(site):
        driver.shell(
            "curl --silent --output /dev/null --data 'x=%s' --header 'Host: hand.example.test' "
            "'http://127.0.0.1/upload/photo?token=hidden'" % ("x" * 5000)
        )
        # Nothing listens on the port either.
        (finding,) = [finding for finding in doctor() if "413" in finding["cause"]]
        assert finding["cause"] == (
            "nginx refused POST /upload/photo with 413 in the last hour: it claims a body of 5002 bytes, "
            f"and client_max_body_size is 1024 ({ANOTHER}:5)."
        )
        assert f"'client_max_body_size 1m;' in {ANOTHER}:5" in finding["remedy"]
    with written(site.replace("1k", "6k")):
        assert [finding for finding in doctor() if "413" in finding["cause"]] == []


def test_nginx_redirects_in_a_loop(only, written):
    site = "server {\n    server_name hand.example.test;\n    return 301 http://hand.example.test$request_uri;\n}\n"
    with written(site):
        finding = only(url="http://hand.example.test/page")
        assert "http://hand.example.test/page redirects in a loop: nginx itself answers 301" in finding["cause"]
        assert f"in {ANOTHER}:3" in finding["remedy"]


def test_django_redirects_in_a_loop_behind_tls(doctor, written):
    """nginx does not tell it that the visitor uses HTTPS."""
    location = f"location / {{ proxy_pass http://unix:{RELEASE}/web.sock; proxy_set_header Host $host; }}"
    static = f"location /static/ {{ alias {RELEASE}/static/; }}"
    with written(tls("other.example.test", location, static)) as file:
        # The certificate is not for this name: that is another finding.
        (finding,) = [one for one in doctor() if "certificate" not in one["cause"]]
        assert finding["site"] == "other.example.test"
        assert "SECURE_SSL_REDIRECT redirects each request to itself in a loop" in finding["cause"]
        assert "`proxy_set_header X-Forwarded-Proto $scheme;`" in finding["remedy"]
        assert file in finding["remedy"]


@pytest.fixture
def certificate(driver):
    """certificate(names, days...): a file on the host with a key and a certificate."""

    def certificate(name, begins, ends, path="/root/hand.pem"):
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begins))
            .not_valid_after(now + timedelta(days=ends))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write(driver, path, secret + made.public_bytes(Encoding.PEM))
        return path

    yield certificate
    driver.shell("rm -f /root/hand.pem")


@pytest.mark.parametrize(
    ("name", "begins", "ends", "words"),
    [
        ("other.example.test", -9, -1, "expired on 20"),
        ("other.example.test", 2, 9, "is not valid before 20"),
        ("wrong.example.test", -1, 9, "is for wrong.example.test, not for other.example.test"),
    ],
)
def test_a_certificate_that_browsers_reject(driver, only, written, certificate, follow, name, begins, ends, words):
    pem = certificate(name, begins, ends)
    with written(tls("other.example.test", "return 200;", pem=pem)):
        finding = only(url="https://other.example.test/")
        assert f"The certificate that nginx presents for other.example.test {words}" in finding["cause"]
        assert f"{pem} ({ANOTHER}:4)" in finding["remedy"]
        # The file is replaced, and nginx has not read it.
        certificate("other.example.test", -1, 9)
        finding = only(url="https://other.example.test/")
        assert f"the one in {pem} is valid, and nginx has not read it" in finding["cause"]
        follow(finding)
        driver.shell(RELOAD)
        assert "certificate" not in only(url="https://other.example.test/")["cause"]


def test_an_unknown_name(only):
    finding = only(url="https://gestbook.example.test/")
    assert "nginx has no server with the name gestbook.example.test" in finding["cause"]
    assert f"The nearest is {NAME}" in finding["cause"]
    assert "Add gestbook.example.test to server_name" in finding["remedy"]


def test_a_name_that_is_only_served_without_tls(only, written):
    with written("server { server_name hand.example.test; return 200; }"):
        finding = only(url="https://hand.example.test/")
        assert f"nginx serves hand.example.test on port 80 only ({ANOTHER}:1), not on port 443" in finding["cause"]


def test_a_name_that_resolves_to_another_host(driver, only, undo):
    driver.shell("cp /etc/hosts /root/hosts")
    undo("cat /root/hosts > /etc/hosts")
    driver.shell(rf"sed 's/^127.0.0.1\(\s*{NAME}\)/192.0.2.7\1/' /root/hosts > /etc/hosts")
    finding = only(url=NAME)
    assert f"nginx answers for {NAME} on this host, but the name leads to 192.0.2.7" in finding["cause"]


def test_a_site_in_maintenance(driver, only, written):
    with written("server {\n server_name hand.example.test;\n location / { return 503; }\n}\n"):
        finding = only(url="http://hand.example.test/")
        assert f"nginx itself answers 503 to / by 'return 503' ({ANOTHER}:3)" in finding["cause"]
        assert f"remove 'return 503' from {ANOTHER}:3" in finding["remedy"]

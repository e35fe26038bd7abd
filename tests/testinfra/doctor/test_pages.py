"""What a page that is answered does not show: its files, its forms, the pages that it redirects to."""

import re

import pytest
from helpers.doctor import ADDRESS, BY_HAND, BY_HAND_URL, CERTIFICATE, PROXY
from helpers.states import ANOTHER, write

SCHEME = "proxy_set_header X-Forwarded-Proto $scheme;"
HEADER = {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"]}
TLS = f"ssl_certificate {CERTIFICATE}; ssl_certificate_key {CERTIFICATE};"


def site(*lines, listen="80"):
    return f"server {{\n    listen {listen};\n    server_name {BY_HAND};\n    {' '.join(lines)}\n}}\n"


@pytest.fixture
def about(doctor):
    """about(site...): the findings that explain an answer."""
    return lambda **options: [one for one in doctor(**options) if one["explains"]]


def test_a_style_sheet_that_a_page_needs(hand, about, written):
    hand()
    page = f"location / {{ {PROXY} }}"
    with written(site("location /static/ { alias /opt/hand/static/; }", page)):
        assert about() == []
    with written(site("location /static/ { alias /opt/hand/static/css/; }", page)):
        (finding,) = about()
        assert finding["explains"][-1] == f"{BY_HAND_URL}/static/a.css: 404 (for {BY_HAND_URL}/)"
        assert "/opt/hand/static/css/" in finding["cause"]
    with written(site(page)):
        (finding,) = about()
        assert finding["explains"] == [f"{BY_HAND_URL}/static/a.css: 404 (for {BY_HAND_URL}/)"]
        assert "no location with a directory of files has this path" in finding["cause"]


def test_a_redirect_out_of_the_prefix(driver, hand, about, written):
    hand()
    prefix = f"location /shop/ {{ proxy_pass http://{ADDRESS}/; proxy_set_header Host $host; }}"
    with written(site(prefix, "root /var/www/html;")):
        url = f"{BY_HAND_URL}/shop/private/"
        (finding,) = about(url=url)
        assert f"{url} redirects out of /shop/" in finding["cause"]
        assert "With the prefix, /shop/accounts/login/, the answer is 200" in finding["cause"]
        setting, value = re.search(r'`(\w+) = "([^"]+)"`', finding["remedy"]).groups()
        # The remedy works when it is typed.
        hand(**{setting: value})
        assert about(url=url) == []


@pytest.mark.parametrize(
    ("listen", "given", "words", "remedy"),
    [
        ("8443 ssl", "Host $http_host", "but accepts it from http://hand.example.test:8443", SCHEME),
        ("8443 ssl", "Host $host", "but accepts it from https://hand.example.test: nginx", "Host $http_host;"),
        ("80", "Host any.example.test", "and from no other origin", "CSRF_TRUSTED_ORIGINS"),
    ],
)
def test_forms_that_django_rejects(hand, about, driver, written, listen, given, words, remedy):
    is_tls = "ssl" in listen
    hand(**HEADER)
    lines = [f"proxy_set_header {given};", *([SCHEME] if given == "Host $host" else [])]
    location = f"location / {{ proxy_pass http://{ADDRESS}; {' '.join(lines)} }}"
    files = f"location /static/ {{ alias /opt/hand/static/; }} {TLS if is_tls else ''}"
    with written(site(files, location, listen=listen)):
        found = [one for one in about() if "CSRF" in one["cause"]]
        url = f"https://{BY_HAND}:8443" if is_tls else BY_HAND_URL
        assert [one["explains"] for one in found] == [[f"POST {url}/accounts/login/: 403"]]
        assert words in found[0]["cause"]
        assert remedy in found[0]["remedy"]
    # No form was sent with a name.
    driver.shell("[ ! -e /tmp/hand-login ]")
    good = f"location / {{ proxy_pass http://{ADDRESS}; proxy_set_header Host $http_host; {SCHEME} }}"
    with written(site(files, good, listen=listen)):
        assert about() == []


def test_a_redirect_that_loses_the_port(hand, about, written):
    hand()
    url = f"http://{BY_HAND}:8088/absolute/"
    location = f"location / {{ {PROXY} }} location /static/ {{ alias /opt/hand/static/; }}"
    with written(site(location, listen="8088")):
        (finding,) = about(url=url)
        assert f"but nginx serves {BY_HAND} on port 8088, not there" in finding["cause"]
        assert f"'proxy_set_header Host $http_host;' instead in {ANOTHER}:4" in finding["remedy"]
    with written(site(location.replace("$host", "$http_host"), listen="8088")):
        assert about(url=url) == []


def test_a_redirect_that_loses_https(hand, about, written):
    hand(**HEADER)
    url = f"https://{BY_HAND}:8443/absolute/"
    location = f"location / {{ proxy_pass http://{ADDRESS}; proxy_set_header Host $http_host; MORE }}"
    location = f"location /static/ {{ alias /opt/hand/static/; }} {TLS} {location}"
    with written(site(location.replace("MORE", ""), listen="8443 ssl")):
        (finding,) = about(url=url)
        assert "which has lost HTTPS" in finding["cause"]
        assert "SECURE_PROXY_SSL_HEADER" in finding["remedy"]
        assert f"'{SCHEME}' in {ANOTHER}:4" in finding["remedy"]
    with written(site(location.replace("MORE", SCHEME), listen="8443 ssl")):
        assert about(url=url) == []


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("location /static { alias /opt/hand/static/; }", "/static../.env"),
        ("root /opt/hand; location / { try_files $uri =404; }", "/.env"),
        ("location /files/ { alias /opt/hand/; }", "/files/.env"),
    ],
)
def test_a_directory_with_secrets_that_nginx_publishes(driver, doctor, hand, written, location, path):
    hand()
    driver.shell("touch /opt/hand/.env")
    with written(site(location)):
        causes = [one["cause"] for one in doctor() if one["cause"].startswith("Any visitor can download")]
        assert len(causes) == 1
        assert path in causes[0]
        assert "nginx answers 200" in causes[0]
    with written(site(location, r"location ~ /\. { deny all; }")):
        causes = [one["cause"] for one in doctor() if "nginx answers 200" in one["cause"]]
        assert causes == []


def test_a_process_of_the_app_that_does_not_run(driver, only, follow, undo):
    """A unit as role django_app writes it."""
    unit = "guestbook-mail.service"
    undo(f"systemctl stop {unit}; rm /etc/systemd/system/{unit}; systemctl daemon-reload")
    lines = ["# Made by Gatehouse for the app guestbook; changes are overwritten.", "[Service]", "ExecStart=sleep 600"]
    write(driver, f"/etc/systemd/system/{unit}", "\n".join([*lines, "[Install]", "WantedBy=multi-user.target", ""]))
    driver.shell("systemctl daemon-reload")
    finding = only()
    assert f"The process {unit} of app guestbook does not run: it is inactive (dead)" in finding["cause"]
    follow(finding)
    assert driver.doctor()["findings"] == []

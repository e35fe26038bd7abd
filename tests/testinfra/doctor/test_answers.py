"""Who gives a failing answer, and why: a Django project that an operator made by hand answers with each status."""

import re

import pytest
from helpers.doctor import ADDRESS, BY_HAND, BY_HAND_URL, PROXY, RELOAD, VENV
from helpers.states import ANOTHER

SITE = f"""limit_req_zone $binary_remote_addr zone=slow:1m rate=1r/m;
server {{
    server_name {BY_HAND};
    location /static/ {{ alias /opt/hand/static/; }}
    location /limited/ {{ limit_req zone=slow; proxy_pass http://{ADDRESS}/; proxy_set_header Host $host; }}
    location /secret/ {{ auth_basic x; auth_basic_user_file /etc/nginx/none; {PROXY} }}
    location /denied/ {{ deny all; {PROXY} }}
    location / {{ {PROXY} proxy_read_timeout 2; }}
}}
"""
BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"
CONSOLE = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO"}},
}
FILE = {
    **CONSOLE,
    "handlers": {"console": {"class": "logging.FileHandler", "filename": "/var/log/hand/django.log"}},
}


def test_who_refuses_a_request_and_why(hand, explained, written):
    hand()
    with written(SITE):
        for path, status, words, line in (
            ("/forbidden/", 403, "itself answers 403 to /forbidden/", "journalctl -n 50 -u hand.service"),
            ("/status/401/", 401, 'it asks for a login (Bearer realm="api")', "with a login"),
            ("/post-only/", 405, "this URL takes POST", "its URLconf and view"),
            ("/status/413/", 413, "The answer is 413", "hand.service"),
            ("/status/503/", 503, "itself answers 503 to /status/503/. The answer says: The answer is", "hand.service"),
            ("/status/502/", 502, "itself answers 502", "hand.service"),
            ("/status/504/", 504, "itself answers 504 to /status/504/. The answer says: The answer is", "hand.service"),
            ("/suspicious/", 400, "and not to other paths with the same Host", "hand.service"),
            (f"/?x={5000 * 'x'}", 414, "This is a limit of gunicorn", "--limit-request-line"),
            (
                f"/?x={40000 * 'x'}",
                414,
                "large_client_header_buffers",
                "`large_client_header_buffers 4 64k;` in nginx_",
            ),
            ("/secret/", 401, f"'auth_basic x' ({ANOTHER}:6)", "a password"),
            ("/denied/", 403, f"'deny all' ({ANOTHER}:7)", f"change {ANOTHER}:7"),
            ("/sleep/", 504, f"within proxy_read_timeout 2 ({ANOTHER}:8)", "hand.service"),
        ):
            cause, remedy = explained(path, status)
            assert words in cause, (path, cause)
            assert line in remedy, (path, remedy)


def test_a_limit_of_requests_is_no_maintenance(driver, hand, explained, written):
    hand()
    with written(SITE):
        driver.shell(f"curl -s -H 'Host: {BY_HAND}' http://127.0.0.1/limited/")
        cause, remedy = explained("/limited/", 503)
        assert f"limit_req of the zone slow ({ANOTHER}:5) is used up" in cause
        assert "maintenance" not in remedy


def test_headers_that_are_larger_than_the_buffer(hand, explained, written, doctor):
    hand()
    with written(SITE):
        cause, remedy = explained("/cookies/", 502)
        assert re.search(r"The header has 17\d{3} bytes, of which 17\d{3} are 5 cookies: part0 \(3528 bytes\)", cause)
    # The remedy works when it is typed.
    lines = re.search("Write '([^']+)'", remedy)[1]
    with written(SITE.replace("location / {", f"location / {{ {lines}")):
        assert [one for one in doctor(url=f"{BY_HAND_URL}/cookies/") if one["explains"]] == []


def test_headers_that_are_larger_than_the_buffer_of_a_site_of_gatehouse(driver, hand, explained):
    hand()
    site = {"name": "many", "server_name": [BY_HAND], "locations": [{"path": "/", "proxy_pass": f"http://{ADDRESS}"}]}
    try:
        assert not driver.publish(site)["failed"]
        cause, remedy = explained("/many/", 502)
        assert "of which 35" in cause
        assert "fewer or shorter cookies" in remedy
        assert "of which nginx takes no more than 32k" in remedy
    finally:
        driver.publish({"name": "many", "state": "absent"})


def test_the_cookies_of_a_visitor_that_nginx_refuses(hand, doctor, written):
    hand()
    with written(SITE.replace("location / {", f"location / {{ {BUFFERS}")):
        (finding,) = [one for one in doctor(url=f"{BY_HAND_URL}/many/") if one["explains"]]
        assert finding["explains"] == [f"{BY_HAND_URL}/: 400"]
        cause, remedy = finding["cause"], finding["remedy"]
        assert re.search(r"a header is too large: its cookies have 35\d{3} bytes", cause)
        assert "fewer or shorter cookies" in remedy


def test_the_cookies_of_a_visitor_that_gunicorn_refuses(hand, doctor, written):
    """nginx takes more than gunicorn. A page sets them and redirects, as a login does."""

    def about():
        return [one for one in doctor(url=f"{BY_HAND_URL}/many/?number=3") if one["explains"]]

    hand()
    with written(SITE.replace("location / {", f"location / {{ {BUFFERS}")):
        (finding,) = about()
        assert finding["explains"] == [f"{BY_HAND_URL}/: 431"]
        assert re.search(r"This is a limit of gunicorn, and the cookies have 11\d{3} bytes", finding["cause"])
        assert "fewer or shorter cookies" in finding["remedy"]
        # The remedy works when it is typed.
        hand(options=re.search("`(--limit-request-field_size [^`]+)`", finding["remedy"])[1])
        assert about() == []


@pytest.mark.parametrize(
    ("logging", "words", "line"),
    [
        (None, "The journal of hand.service says nothing about it", "By default Django logs no error"),
        (CONSOLE, "Its journal says: ZeroDivisionError: division by zero (/opt/hand/hand.py, line", "-u hand.service"),
        (FILE, "Its log /var/log/hand/django.log says: ZeroDivisionError", "`tail -n 100 /var/log/hand/django.log`"),
    ],
)
def test_the_traceback_of_a_500(hand, explained, written, logging, words, line):
    hand(**({"LOGGING": logging} if logging else {}))
    with written(SITE):
        cause, remedy = explained("/boom/", 500)
        assert words in cause
        assert line in remedy


def test_tls_to_an_application_without_it(hand, explained, doctor, written):
    hand()
    site = proxied_as(BY_HAND, f"proxy_pass https://{ADDRESS}; proxy_set_header Host $host;")
    with written(site):
        cause, remedy = explained("/private/", 502)
        assert "SSL_do_handshake() failed" in cause
    line = re.search("Write 'proxy_pass ([^;]+);'", remedy)[1]
    with written(site.replace(f"https://{ADDRESS}", line)):
        assert [one for one in doctor(url=f"{BY_HAND_URL}/private/") if one["explains"]] == []


def test_a_worker_that_ends(hand, explained, doctor, written):
    hand(timeout=6)
    with written(SITE.replace("proxy_read_timeout 2;", "")):
        cause, _remedy = explained("/die/", 502)
        assert "upstream prematurely closed connection" in cause
        # The worker may answer while it ends.
        (finding,) = [one for one in doctor(url=f"{BY_HAND_URL}/sleep/?seconds=60") if one["explains"]]
        cause, remedy = finding["cause"], finding["remedy"]
        assert "(WORKER TIMEOUT)" in cause
        assert "--timeout SECONDS" in remedy


def test_a_host_that_the_project_rejects(hand, explained, written):
    hand()
    with written(proxied_as("wrong.example.org", PROXY)):
        cause, remedy = explained("/", 400, "http://wrong.example.org")
        assert "answers 400 to the Host wrong.example.org, as Django does where ALLOWED_HOSTS lacks it" in cause
    with written(proxied_as(BY_HAND, f"proxy_pass http://{ADDRESS};")):
        cause, remedy = explained("/", 400)
        assert f"the Host {ADDRESS}, which ALLOWED_HOSTS lacks" in cause
        assert f"'proxy_set_header Host $host;' in {ANOTHER}:1" in remedy


def proxied_as(name, lines):
    return f"server {{ server_name {name}; location / {{ {lines} }} }}\n"


def test_tls_and_plain_http_on_the_wrong_port(explained, doctor, written):
    cause, remedy = explained("/", 400, "http://guestbook.example.test:443")
    assert "Port 443 speaks TLS" in cause
    assert "https://guestbook.example.test:443/" in remedy
    with written("server { listen 8099; server_name hand.example.test; return 200; }"):
        (finding,) = [one for one in doctor(url=f"https://{BY_HAND}:8099/") if one["explains"]]
        assert "Port 8099 speaks plain HTTP" in finding["cause"]


def test_a_service_that_is_stopped_or_fails(driver, hand, explained, written, follow, doctor):
    hand()
    with written(SITE):
        driver.shell(f"systemctl stop hand\n{RELOAD}")
        cause, remedy = explained("/", 502)
        assert "hand.service, which is meant to answer at" in cause
        assert "inactive (dead)" in cause
        # No remedy leads visitors to the guestbook.
        assert "web.sock" not in remedy
        follow({"remedy": remedy})
        driver.shell(f"for i in $(seq 100); do curl -so /dev/null http://{ADDRESS}/ && exit; sleep 0.1; done")
        assert [one for one in doctor(url=f"{BY_HAND_URL}/") if one["explains"]] == []
        driver.shell("echo 'nonsense(' >> /opt/hand/hand.py; systemctl restart hand")
        driver.shell("for i in $(seq 100); do systemctl is-failed hand && exit; sleep 0.1; done")
        cause, _remedy = explained("/", 502)
        assert "SyntaxError" in cause


def test_an_environment_of_another_python(driver, hand, explained, written):
    """As after a new release of Debian: the link leads to a newer interpreter than the one that made it."""
    hand()
    driver.shell(
        "systemctl stop hand; python3 -m venv --without-pip /opt/hand/venv\n"
        "sed -i 's/^version = .*/version = 3.9.2/' /opt/hand/venv/pyvenv.cfg\n"
        f"sed -i 's#{VENV}/bin/python#/opt/hand/venv/bin/python#' /etc/systemd/system/hand.service\n"
        "systemctl daemon-reload; systemctl start hand; for i in $(seq 100); do systemctl is-failed hand && exit; done"
    )
    with written(SITE):
        cause, remedy = explained("/", 502)
        assert "its virtual environment /opt/hand/venv was made with Python 3.9, and /usr/bin/python3." in cause
        assert "python3 -m venv --clear /opt/hand/venv" in remedy


def test_a_page_that_does_not_end(driver, hand, written):
    """It sends a part each half second, so that no time limit for a part ever ends it."""
    hand(timeout=600)
    with written(SITE):
        answer = driver.doctor(url=f"{BY_HAND_URL}/drip/")
        (finding,) = [one for one in answer["findings"] if one["explains"]]
        assert "but the page /drip/ did not end within 20 seconds" in finding["cause"]
        assert "journalctl -n 50 -u hand.service" in finding["remedy"]
        assert answer["seconds"] < 300

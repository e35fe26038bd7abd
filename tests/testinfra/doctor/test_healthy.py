"""Healthy sites of many kinds, all on one host: the doctor finds nothing wrong with any of them."""

import pytest
from helpers.doctor import ADDRESS, PROXY

FORWARDED = "proxy_set_header Host $host;"
STATIC = "location /static/ { alias /opt/hand/static/; }"


def passed(path="/", *more):
    return f"location / {{ proxy_pass http://{ADDRESS}{path}; {FORWARDED} {' '.join(more)} }}"


# What a site has, and the status of its first page, None where the doctor requests none.
SITES = {
    "plain": (f"{STATIC} {passed('')}", 200),
    "upstream": (f"{STATIC} location / {{ proxy_pass http://hand; {FORWARDED} }}", 200),
    "files": ("root /opt/hand/static; location / { try_files $uri =404; }", None),
    "single-page": ("root /opt/hand/static; location / { try_files $uri /a.css; }", None),
    "password": ("auth_basic x; auth_basic_user_file /opt/hand/users; " + passed(""), 401),
    "refused": ("deny all; " + passed(""), 403),
    "absent": (passed("/status/404/"), 404),
    "forbidden": (passed("/forbidden/"), 403),
    "gone": (passed("/status/410/"), 410),
    "wants-token": (passed("/status/401/"), 401),
    "post-only": (passed("/post-only/"), 405),
    "login": (passed("/accounts/login/"), 200),
    "login-elsewhere": (f"location / {{ {PROXY} }} location = / {{ return 302 /private/; }} {STATIC}", None),
    "away": ("return 301 https://www.example.com$request_uri;", None),
    "maintenance": ("location / { return 503; }", None),
    "silent": ("return 444;", None),
    "limited": (f"limit_req zone=healthy; {STATIC} {passed('')}", None),
    "behind": (f"{STATIC} {passed('', 'proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;')}", 200),
    "prefix": (f"location /status/404/ {{ {PROXY} }} location /forbidden/ {{ {PROXY} }}", None),
    "api": (f"location /suspicious/ {{ {PROXY} }}", None),
    "websocket": (
        f"{STATIC} {passed('')} location /suspicious/ {{ {PROXY} proxy_set_header Upgrade $http_upgrade; }}",
        200,
    ),
    "protected": (f"{STATIC} {passed('')} location /protected/ {{ internal; alias /opt/hand/; }}", 200),
    "own-pages": (f"error_page 404 403 /a.css; root /opt/hand/static; {passed('/status/404/')}", 404),
    "uncompressed": (f"gzip off; add_header X-Frame-Options DENY always; {STATIC} {passed('')}", 200),
}


@pytest.fixture
def healthy(hand, driver, written):
    hand()
    driver.shell("echo 'a:x' > /opt/hand/users")
    servers = [f"server {{ server_name {name}.example.test; {lines} }}" for name, (lines, _status) in SITES.items()]
    zone = "limit_req_zone $binary_remote_addr zone=healthy:1m rate=1r/m;"
    with written("\n".join([zone, f"upstream hand {{ server {ADDRESS}; }}", *servers, ""])):
        yield


def test_no_finding_on_healthy_sites(healthy, driver):
    answer = driver.doctor()
    assert [(one["site"], one["cause"]) for one in answer["findings"]] == []
    asked = {one["url"]: one["status"] for one in answer["asked"]}
    for name, (_lines, status) in SITES.items():
        assert asked.get(f"http://{name}.example.test/", status) == (
            status or asked.get(f"http://{name}.example.test/")
        )
    # A command of the doctor may not have sent a form with a name.
    driver.shell("[ ! -e /tmp/hand-login ]")

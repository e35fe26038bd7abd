"""A remedy names no generated file: it is replaced by the next run, so the inventory is the place of a change."""

from __future__ import annotations

import inspect
import pkgutil
import re

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import causes, checks
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import (
    CAUSES,
    bad_request,
    redirect_out_of_prefix,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import certificate, forms
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer, Problem

URL = "http://shop.test"
GENERATED = "/gatehouse/live/"
ENTRY = "in the entry of the site shop in django_sites, then `ansible-playbook gatehouse.django.site`"
APP = "location / { proxy_pass http://127.0.0.1:1; proxy_set_header Host $http_host; MORE }"
TO_UPSTREAM = ", upstream: x"
GUNICORN = "<html><body><h1><p>Bad Request</p></h1>\n%s</body></html>"
READING = "while reading response header from upstream"
NGINX = "<center><h1>400 Bad Request</h1></center><hr><center>nginx</center>"
REGEX = "# Option 'snippet':\nlocation ~* \\.(css|js)$ { expires 30d; }\n# End of option 'snippet'."

# By cause: the server, the answer, its path, and what the remedy names instead of the file.
CASES = [
    ("not_listening", APP, Answer(0, Problem.REFUSED), "/", "systemctl reload nginx"),
    ("closed_connection", "return 444;", Answer(0, Problem.CLOSED), "/", "a server of its own"),
    ("closed_connection", APP, Answer(0, Problem.CLOSED), "/", "Read its log"),
    ("redirect_loop", "return 301 /;", Answer(301, location="/"), "/", "'redirect_from' or the snippet"),
    (
        "redirect_destination",
        "return 301 https://shop.test/;",
        Answer(301, location="https://shop.test/"),
        "/",
        f"remove the redirect in `snippet` {ENTRY}",
    ),
    (
        "redirect_destination",
        "listen 8080; return 301 http://shop.test/a;",
        Answer(301, location="http://shop.test:81/a"),
        "/",
        f"into the Location of this answer in `snippet` {ENTRY}",
    ),
    ("untrusted_link", "location /s/ { alias TMP/link/; disable_symlinks on; }", Answer(404), "/s/x", "replace"),
    ("refused_request", "location /s/ { alias TMP/; deny all; }", Answer(403), "/s/x", f"below `paths['/s/']` {ENTRY}"),
    ("refused_request", "location /s/ { return 403; }", Answer(403), "/s/x", f"change `snippet` {ENTRY}"),
    ("alias_slash", "location /s/ { alias TMP/dir; }", Answer(404), "/s/x", f"'alias TMP/dir/;' in `snippet` {ENTRY}"),
    ("refused_link", "location /s/ { alias TMP/; disable_symlinks on; }", Answer(404), "/s/link/x", ""),
    ("collectstatic", "location /static/ { alias TMP/none/; }", Answer(404), "/static/x", "STATIC_ROOT"),
    (
        "missing_file",
        f"location /static/ {{ alias TMP/; }}\n{REGEX}",
        Answer(404),
        "/static/x.css",
        f"Let the regular expression of the block 'location ~* \\.(css|js)$' leave out /static/, or remove the block: "
        f"correct `snippet` {ENTRY}",
    ),
    ("missing_file", REGEX, Answer(404), "/x.css", f"correct the URL or `snippet` {ENTRY}"),
    ("missing_file", "location /static/ { alias TMP/; }", Answer(404), "/static/x", f"the URL or `static` {ENTRY}"),
    (
        "missing_file",
        "location /media/ { alias TMP/; add_header Content-Security-Policy \"default-src 'none'; sandbox\"; }",
        Answer(404),
        "/media/x",
        f"the URL or `media` {ENTRY}",
    ),
    ("missing_file", "# Option 'snippet':\nlocation /s/ { alias TMP/; }", Answer(404), "/s/x", f"`snippet` {ENTRY}"),
    ("nginx_error", "location / { return 503; }", Answer(503), "/", f"`maintenance: false` {ENTRY}"),
    ("nginx_error", "location / { return 500; }", Answer(500), "/", "Run `ansible-playbook gatehouse.django.site`"),
    ("unreachable_app", APP, Answer(502), "/", "'upstream' of the site in django_sites"),
    ("big_header", APP, f"upstream sent too big header {READING}", "/", "cookies"),
    (
        "wrong_protocol",
        APP.replace("http:", "https:"),
        "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking",
        "/",
        "`ss -lntxp`",
    ),
    (
        "wrong_protocol",
        APP.replace("http:", "https:"),
        "upstream SSL certificate verify error: (18:self-signed certificate) while SSL handshaking to upstream",
        "/",
        "proxy_ssl_trusted_certificate of this location",
    ),
    ("slow_app", APP, Answer(504), "/", f"`proxy_read_timeout: SECONDS` {ENTRY}"),
    ("ended_worker", APP, f"upstream prematurely closed connection {READING}", "/", ""),
    ("upstream_failure", APP, Answer(502), "/", ""),
    ("endless_page", APP, Answer(200, is_unfinished=True), "/", "the view waits"),
    ("bad_request", APP, Answer(400, body=GUNICORN % "Contradictory scheme headers"), "/", f"from `snippet` {ENTRY}"),
    ("bad_request", APP.replace("$http_host", "$proxy_host"), Answer(400), "/", f"$host;` {ENTRY}"),
    (
        "bad_request",
        APP.replace("MORE", "large_client_header_buffers 4 8k;"),
        Answer(400, body=NGINX.replace("<hr>", "<center>Request Header Or Cookie Too Large</center><hr>")),
        "/",
        "`large_client_header_buffers 4 32k;` in nginx_http_snippet",
    ),
    ("refused_status", "location / { limit_req zone=a; }", Answer(429), "/", f"`rate: VALUE, burst: NUMBER` {ENTRY}"),
    ("refused_status", "location /s/ { alias TMP/; auth_basic x; }", Answer(401), "/s/x", "`basic_auth: {}`"),
    ("no_file_location", APP, Answer(404), "/x", "'static' of a site"),
    ("unexplained", APP, Answer(418), "/", ""),
]


@pytest.fixture
def finding_of(visit_to, failed_visit, tmp_path, monkeypatch):
    """finding_of(name of a cause, ...): what it finds where the site's file is a generated one."""
    (tmp_path / "dir").mkdir()
    (tmp_path / "link").symlink_to("/root")
    monkeypatch.setattr(bad_request, "ask", lambda *_given: Answer(400))
    explain = {cause.__module__.rpartition(".")[2]: cause for cause in CAUSES}

    def finding_of(name, text, answer, path):
        text = text.replace(" MORE ", "")
        if isinstance(answer, str):
            return explain[name](failed_visit(text, answer, path=path, managed=True))
        url = f"{URL}{':8080' if '8080' in text else ''}{path}"
        steps = [(url, answer)] * (2 if name == "redirect_loop" else 1)
        return explain[name](visit_to(text, *steps, managed=True))

    return finding_of


@pytest.mark.parametrize(("name", "text", "answer", "path", "words"), CASES)
def test_the_remedy_of_a_cause(finding_of, tmp_path, name, text, answer, path, words):
    finding = finding_of(name, text, answer, path)
    assert GENERATED not in finding.remedy
    assert words.replace("TMP", str(tmp_path)) in finding.remedy


def test_the_redirect_out_of_a_prefix(visit_to, monkeypatch):
    monkeypatch.setattr(redirect_out_of_prefix, "ask", lambda *_given: Answer(200))
    text = "location / { root /var/www/html; } location /shop/ { proxy_pass http://127.0.0.1:1/; }"
    page = (f"{URL}/shop/a", Answer(302, location="/login/"))
    finding = redirect_out_of_prefix.explain(visit_to(text, page, (f"{URL}/login/", Answer(404)), managed=True))
    assert GENERATED not in finding.remedy


def test_each_cause_that_names_a_place_has_a_case():
    names = [module.name for module in pkgutil.iter_modules(causes.__path__)]
    with_place = {name for name in names if ".where" in inspect.getsource(getattr(causes, name))}
    assert with_place - {case[0] for case in CASES} == {"redirect_out_of_prefix"}


# Checks, and the tests that hold it for them. Those of `published_secrets` are for sites written by hand only.
CHECKS = {"alias_traversal", "certificate", "forms", "name", "nginx", "published_secrets", "upload"}


def test_each_check_that_names_a_place_is_known():
    names = [module.name for module in pkgutil.iter_modules(checks.__path__)]
    found = {name for name in names if re.search(r"\.where|reload nginx", _source(name))}
    assert found == CHECKS


def _source(name):
    return inspect.getsource(__import__(f"{checks.__name__}.{name}", fromlist=["x"]))


BEHIND = "real_ip_header X-Forwarded-For;"
FORM = """<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="t">
    <input name="username"><input type="password" name="password"></form>"""


@pytest.mark.parametrize(
    ("text", "accepted", "words"),
    [
        (APP, "https", "nginx tells it the scheme in X-Forwarded-Proto: write SECURE_PROXY_SSL_HEADER ="),
        (f"{BEHIND} {APP}", "https", f"remove `scheme: https` from `behind` {ENTRY}. Otherwise"),
        (f"# Option 'snippet':\n{APP}", "https", f"'proxy_set_header X-Forwarded-Proto $scheme;' in `snippet` {ENTRY}"),
        (APP, "127.0.0.1:1", f"`CSRF_TRUSTED_ORIGINS: [http://shop.test]` {ENTRY}"),
    ],
)
def test_the_remedy_for_forms(visit_to, monkeypatch, text, accepted, words):
    def send(page, origin):
        return Answer(200) if accepted in origin else Answer(403, body="CSRF verification failed")

    monkeypatch.setattr(forms.Page, "send", send)
    visit = visit_to(text.replace(" MORE ", ""), (f"{URL}/", Answer(200, body=FORM)), managed=True)
    (finding,) = forms.check_forms([visit], [])
    assert words in finding.remedy
    assert GENERATED not in finding.remedy


def test_the_remedy_for_a_certificate(visit_to, monkeypatch):
    expired = certificate.Validity(0, 1, ["shop.test"])
    monkeypatch.setattr(certificate, "read_validity", lambda host, pem: expired)
    visit = visit_to("ssl_certificate /etc/ssl/shop.pem;", (f"{URL}/", Answer(200)), managed=True)
    finding = certificate.check_certificate(visit.host, visit.request, b"")
    assert "into /etc/ssl/shop.pem and" in finding.remedy

"""Rules of a path: rates, networks, passwords and sizes, and that no way of writing a path leads around them."""

import base64
import re
import socket
import uuid

import pytest
from helpers.doctor import RELOAD
from helpers.hosts import eventually
from helpers.http import raw
from helpers.sites import extra

APP = "http://127.0.0.1:8000"
PASSWORDS = {"ann": "open sesame", "bob": "käse"}
FILES = "/srv/rules-files"

# What nginx resolves, merges or decodes before it chooses a location. An application gets the path as it stands here.
WAYS_AROUND = [
    "//admin/",
    "///admin/",
    "/admin//",
    "/%61dmin/",
    "/%41dmin/../admin/",
    "/admin%2f",
    "/%2fadmin/",
    "/admin",
    "/admin?a=b",
    "/admin#a",
    "/admin/.",
    "/./admin/",
    "/%2e/admin/",
    "/x/../admin/",
    "/x/%2e%2e/admin/",
    "/x/..%2fadmin/",
    "/x%2f..%2fadmin/",
    "/files/../admin/",
    "/admin/x/../../y",
    "/admin/..",
    "/admin/../x",
    "/admin/..%2fx",
    "/admin/%2e%2e/x",
    "/admin/%2E./x",
    "/admin/x/..%2f..%2f..%2fopen/",
    "/admin//open/",
    "/admin/%2fopen/",
    "//admin/open/",
    "http://extra.example.test/admin/",
]
# Other paths, also to an application.
OTHER_PATHS = ["/ADMIN/", "/administrator", "/admin./", "/admin.html", "/%2561dmin/", "/admin;/", "/x/admin/"]


def site(**options):
    """A site whose application answers everywhere, with rules for /admin/."""
    paths = {"/": {}, "/admin/": {}} | options.pop("paths", {})
    return extra(
        snippet=None,
        locations=[{"path": path, "proxy_pass": APP} | rules for path, rules in paths.items()],
        **options,
    )


def ask(address, path, *headers, method="GET", body=b""):
    """Status, headers and body of the answer to these very bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: extra.example.test", "Connection: close", *headers]
    answer = raw(address, "\r\n".join([*lines, "", ""]).encode() + body)
    head, _end, body = answer.partition(b"\r\n\r\n")
    first, *more = head.decode().split("\r\n")
    return int(first.split()[1]), [line.split(": ", 1) for line in more], body


def status(address, path, *headers):
    return ask(address, path, *headers)[0]


def sent(headers, name):
    return [value for key, value in headers if key.lower() == name.lower()]


def login(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def publish(driver):
    def publish(*sites, **options):
        result = driver.publish(*sites, **options)
        assert not result["failed"], result["msg"]
        return result

    return publish


@pytest.fixture
def client(driver, address, publish):
    """The address that this test has for nginx."""
    publish(site())
    _status, _headers, body = ask(address, "/")
    return body.decode().partition('"X-Forwarded-For": "')[2].partition('"')[0]


@pytest.fixture
def files(driver, undo):
    driver.shell(f"mkdir {FILES} && echo public > {FILES}/a.txt && chmod -R a+rX {FILES}")
    undo(f"rm -r {FILES}")
    return {"path": "/files/", "alias": f"{FILES}/"}


def test_a_rate_is_429_with_its_own_page(address, publish):
    publish(site(paths={"/login/": {"rate": "5r/m", "burst": 2}}))
    assert [status(address, "/login/") for _number in range(3)] == [200] * 3
    code, headers, body = ask(address, "/login/")
    assert (code, sent(headers, "Retry-After"), sent(headers, "Cache-Control")) == (429, ["12"], ["no-store"])
    assert b"Too many requests" in body
    # The same place without its slash, and another one.
    assert status(address, "/login") == 429
    assert status(address, "/loginx") == 200


def test_a_rate_alone_accepts_one_period_at_once(address, publish):
    publish(site(paths={"/login/": {"rate": "4r/m"}}))
    assert [status(address, "/login/") for _number in range(6)] == [200] * 5 + [429]


def test_a_rate_of_the_site_is_for_the_application(address, publish, files):
    limited = site(rate="1r/m", burst=0, paths={"/free/": {"rate": "off"}})
    limited["locations"].append(files)
    publish(limited)
    assert [status(address, path) for path in ("/", "/admin/", "/free/")] == [200, 429, 200]
    assert [status(address, "/files/a.txt") for _number in range(3)] == [200] * 3


def test_a_rate_can_be_changed_and_keeps_its_count(address, publish):
    """nginx keeps the old configuration if the key of a known zone changes."""
    publish(site(paths={"/login/": {"rate": "2r/m", "burst": 0}}))
    assert [status(address, "/login/") for _number in range(2)] == [200, 429]
    changed = publish(site(paths={"/login/": {"rate": "1r/m", "burst": 0}}))
    assert (changed["changed"], changed["reloaded"]) == (True, True)
    assert status(address, "/login/") == 429
    assert not publish(site(paths={"/login/": {"rate": "1r/m", "burst": 0}}))["changed"]


@pytest.mark.parametrize("where", ["path", "site"])
def test_connections_are_limited(address, publish, where):
    limit = {"connections": 1}
    paths = {"/slow/": {"buffering": False} | (limit if where == "path" else {}), "/free/": {"connections": 0}}
    publish(site(paths=paths, **(limit if where == "site" else {})))
    held = b"POST /slow/ HTTP/1.1\r\nHost: extra.example.test\r\nContent-Length: 9\r\n\r\n"

    def seen_beside_a_held_one():
        """An old worker may still accept the connection, which does not count for the new ones."""
        with socket.create_connection((address, 80), timeout=30) as connection:
            connection.sendall(held)
            codes = {status(address, "/slow/") for _number in range(10)}
            assert status(address, "/free/") == 200
        return codes

    eventually(seen_beside_a_held_one, until=lambda codes: 429 in codes)


def test_no_path_leads_around_a_password(address, publish):
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}, "/admin/open/": {"basic_auth": {}}}))
    codes = {path: status(address, path) for path in WAYS_AROUND}
    assert {path: code for path, code in codes.items() if code not in (400, 401)} == {}


def test_other_paths_are_other_paths(address, publish):
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}}))
    assert {path: status(address, path) for path in OTHER_PATHS} == dict.fromkeys(OTHER_PATHS, 200)


def test_what_the_application_gets_is_what_the_rule_was_for(address, publish):
    """The path reaches it as the client wrote it."""
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}}))
    for path in ("/a%20b/", "/a%2Fb/?c=%2F..%2Fd", "/a//b/https://c/", "/a../b./", "/?next=/../x"):
        code, _headers, body = ask(address, path)
        assert code == 200, path
        assert f'"path": "{path}"'.encode() in body


def test_a_password_is_wanted(address, publish):
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}}))
    code, headers, body = ask(address, "/admin/")
    assert (code, sent(headers, "WWW-Authenticate")) == (401, ['Basic realm="extra /admin/"'])
    assert b"Password required" in body
    assert sent(headers, "Retry-After") == []
    assert status(address, "/admin/", login("ann", "open sesame")) == 200
    assert status(address, "/admin/", login("bob", "käse")) == 200
    assert status(address, "/admin/", login("ann", "open sesam")) == 401
    assert status(address, "/admin/", login("eve", "open sesame")) == 401


def test_the_application_does_not_get_the_password(address, publish):
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}}))
    secret = login("ann", "open sesame")
    body = ask(address, "/admin/", secret)[2]
    assert (b'"path": "/admin/"' in body, b"Authorization" in body) == (True, False)
    # What is no password of nginx's is the application's own.
    assert secret.partition(": ")[2].encode() in ask(address, "/", secret)[2]


def test_passwords_are_kept_from_all_others(driver, address, publish):
    options = site(basic_auth=PASSWORDS)
    first = publish(options)
    (path,) = driver.shell("ls -d /etc/nginx/gatehouse/live/passwords/*").splitlines()
    assert driver.shell(f"stat -c '%a %U %G' {path}") == "640 root www-data"
    content = driver.shell(f"cat {path}")
    hashes = [line.partition(":")[2] for line in content.splitlines()]
    assert [one[:3] for one in hashes] == ["$6$", "$6$"]
    second = publish(options)
    assert not second["changed"]
    changed = publish(site(basic_auth={"ann": "another"}), check=True)
    assert changed["changed"]
    diff = [part for part in changed["diff"] if "passwords/" in part["before_header"]]
    assert [part["after"] for part in diff] == ["ann:(changed hash not shown)\n"]
    assert diff[0]["before_header"].endswith("(passwords of site extra)")
    for result in (first, second, changed):
        told = str(result)
        assert not [secret for secret in [*PASSWORDS.values(), *hashes] if secret in told]
    refused = driver.shell(f"runuser -u nobody -- cat {path} 2>&1 || true")
    assert "Permission denied" in refused
    for file in ("sites/extra.conf", "state.json"):
        assert "$6$" not in driver.shell(f"cat /etc/nginx/gatehouse/live/{file}")


def test_passwords_outlive_a_change_of_another_site(driver, address, publish):
    publish(site(basic_auth=PASSWORDS))
    publish(extra("other", name="other", server_name=["other.example.test"]))
    assert status(address, "/", login("ann", "open sesame")) == 200
    publish({"name": "extra", "state": "absent"})
    assert driver.shell("ls /etc/nginx/gatehouse/live/ | grep passwords || true") == ""


def test_hashes_are_taken_as_they_are(driver, address, publish):
    made = driver.shell("echo secret | openssl passwd -6 -stdin")
    publish(site(basic_auth={"ann": made}))
    assert status(address, "/", login("ann", "secret")) == 200
    assert status(address, "/", login("ann", made)) == 401


def test_networks(address, client, publish):
    publish(site(allow=["192.0.2.0/24"], paths={"/open/": {"allow": [client]}, "/all/": {"allow": []}}))
    code, headers, body = ask(address, "/")
    assert (code, sent(headers, "Retry-After")) == (403, [])
    assert b"Not allowed" in body
    assert [status(address, path) for path in ("/admin/", "/open/", "/all/")] == [403, 200, 200]
    publish(site(allow=["0.0.0.0/0"], deny=[client]))
    assert status(address, "/") == 403


def test_rules_behind_a_balancer_are_for_the_visitor(address, client, publish):
    rules = {"/login/": {"rate": "1r/m", "burst": 0}, "/one/": {"deny": ["192.0.2.9"]}}
    publish(site(behind={"addresses": [client]}, allow=["192.0.2.0/24"], paths=rules))

    def seen(visitor, path):
        return status(address, path, f"X-Forwarded-For: {visitor}")

    assert [seen(visitor, "/login/") for visitor in ("192.0.2.1", "192.0.2.1", "192.0.2.2")] == [200, 429, 200]
    assert [seen(visitor, "/") for visitor in ("192.0.2.1", "198.51.100.1")] == [200, 403]
    assert [seen(visitor, "/one/") for visitor in ("192.0.2.1", "192.0.2.9")] == [200, 403]
    # What the visitor wrote, and what the balancer added.
    assert seen("192.0.2.1, 198.51.100.1", "/") == 403
    # The balancer's own requests.
    assert status(address, "/") == 403


def test_a_network_does_not_replace_a_password(address, client, publish):
    publish(site(paths={"/admin/": {"allow": [client], "basic_auth": PASSWORDS}}))
    assert status(address, "/admin/") == 401
    assert status(address, "/admin/", login("ann", "open sesame")) == 200
    publish(site(paths={"/admin/": {"allow": ["192.0.2.1"], "basic_auth": PASSWORDS}}))
    assert status(address, "/admin/", login("ann", "open sesame")) == 403


def test_a_path_inherits_what_it_does_not_set(address, publish):
    inner = {"/admin/export/": {"proxy_read_timeout": "5m"}, "/admin/health": {"basic_auth": {}}}
    publish(site(paths={"/admin/": {"basic_auth": PASSWORDS}} | inner))
    paths = ("/admin/", "/admin/export/", "/admin/export", "/admin/export/x", "/admin/health", "/admin/healthy")
    assert [status(address, path) for path in paths] == [401, 401, 401, 401, 200, 401]


def test_the_whole_site_has_a_password(address, publish, files):
    staging = site(basic_auth=PASSWORDS)
    staging["locations"].append(files)
    staging["snippet"] = 'location = /word { default_type text/plain; return 200 "x"; } location /more { alias /srv/; }'
    publish(staging)
    paths = ("/", "/admin/", "/files/a.txt", "/files/none", "/more")
    assert [status(address, path) for path in paths] == [401] * len(paths)
    assert ask(address, "/files/a.txt", login("ann", "open sesame"))[2] == b"public\n"


def test_a_rule_of_a_file_holds_for_its_compressed_copies(driver, address, publish, files):
    """nginx sends them in the place of the file, and would serve each under its own path as well."""
    driver.shell(f"cd {FILES} && echo b > b.txt && cp b.txt b.txt.gz && cp b.txt b.txt.br && chmod a+r *")
    guarded = site()
    guarded["locations"] += [files, {"path": "/files/b.txt", "alias": f"{FILES}/b.txt", "deny": ["all"]}]
    publish(guarded)
    codes = {path: status(address, f"/files/{path}") for path in ("a.txt", "b.txt", "b.txt.gz", "b.txt.br")}
    assert codes == {"a.txt": 200, "b.txt": 403, "b.txt.gz": 403, "b.txt.br": 403}


def test_an_authority_is_never_refused(driver, address, publish, undo):
    """The challenge is answered before there is a certificate, under the same name as the site."""
    driver.shell("mkdir -p /var/lib/gatehouse/acme/.well-known/acme-challenge")
    token = "/var/lib/gatehouse/acme/.well-known/acme-challenge/token-of-rules"
    driver.shell(f"echo proof > {token} && chmod a+r {token}")
    undo(f"rm {token}")
    publish(site(tls="acme", basic_auth=PASSWORDS, deny=["all"], rate="1r/m", burst=0, connections=1))
    answers = [ask(address, "/.well-known/acme-challenge/token-of-rules")[::2] for _number in range(5)]
    assert answers == [(200, b"proof\n")] * 5
    assert status(address, "/") == 403
    publish(site())
    driver.shell("rm -r /etc/nginx/gatehouse/certificates /run/gatehouse-nginx-certificates")


def test_a_body_that_is_too_large_has_its_page(address, publish):
    publish(site(client_max_body_size="1k", paths={"/upload": {"client_max_body_size": "1m"}}))
    body = b"x" * 2000
    code, headers, page = ask(address, "/", "Content-Length: 2000", method="POST", body=body)
    assert (code, sent(headers, "Retry-After")) == (413, [])
    assert b"Too large" in page
    assert ask(address, "/upload", "Content-Length: 2000", method="POST", body=body)[0] == 200
    assert ask(address, "/upload/a", "Content-Length: 2000", method="POST", body=body)[0] == 200


def test_a_header_of_the_application_replaces_the_sites(address, publish):
    publish(site(headers={"Content-Security-Policy": "default-src 'self'", "X-A": "site"}))
    _code, headers, _body = ask(address, "/")
    assert sent(headers, "Content-Security-Policy") == ["default-src 'self'"]
    _code, headers, _body = ask(address, "/?Content-Security-Policy=default-src+*&status=404")
    assert sent(headers, "Content-Security-Policy") == ["default-src *"]
    assert sent(headers, "X-A") == ["site"]
    _code, headers, _body = ask(address, "/.env")
    assert sent(headers, "Content-Security-Policy") == ["default-src 'self'"]


def test_the_address_of_a_client_is_counted_as_its_network(driver, publish):
    """One subscriber has 2^64 addresses of IPv6; an IPv4 address in their form is one client."""
    publish(site(paths={"/login/": {"rate": "1r/m", "burst": 0}}))
    where = "/etc/nginx/conf.d/rules-test.conf"
    seen = "set_real_ip_from 127.0.0.1; real_ip_header X-Test;"
    driver.shell(f"echo '{seen}' > {where} && nginx -t -q || exit 1\n{RELOAD}")
    try:
        ask_as = (
            "curl -s -o /dev/null -w %{{http_code}} -H 'Host: extra.example.test' -H 'X-Test: {0}' 127.0.0.1/login/"
        )
        clients = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"]
        codes = [driver.shell(ask_as.format(one)) for one in [*clients, "192.0.2.2", "192.0.2.3"]]
    finally:
        driver.shell(f"rm {where}\n{RELOAD}")
    assert codes == ["200", "429", "200", "200", "200", "429", "200"]


@pytest.fixture
def cached(driver, address, publish):
    """How the page of a path is answered: its X-Cache, and the number that the application gives each request."""
    publish(site(paths={"/pages/": {"page_cache": "1h"}, "/pages/ws/": {"websocket": True}}))
    unique = uuid.uuid4().hex

    def ask_for(query, *headers, **request):
        code, sent_headers, body = ask(address, f"/pages/?q={unique}&{query}", *headers, **request)
        found = re.search(rb'"number": ([0-9]+)', body)
        return code, "".join(sent(sent_headers, "X-Cache")), found and int(found[1])

    return ask_for


def test_pages_are_kept_for_visitors_without_a_session(cached, driver, address):
    code, how, number = cached("a")
    assert (code, how) == (200, "MISS")
    assert cached("a") == (200, "HIT", number)
    assert cached("a", "Cookie: _ga=GA1.1; _ga_AB12=x; _pk_id.1.ab=y") == (200, "HIT", number)
    for header in ("Cookie: sessionid=x", "Cookie: _ga=x; other=y", "Cookie: x=_ga=y", "Authorization: Bearer x"):
        _code, how, other = cached("a", header)
        assert (how, other != number) == ("BYPASS", True), header
    assert cached("a") == (200, "HIT", number)
    assert cached("b", "Cookie: sessionid=x")[1] == "BYPASS"
    assert cached("b")[1] == "MISS"
    assert cached("a", method="HEAD")[1] == "MISS"
    assert cached("a", "Content-Length: 0", method="POST")[1:] != ("HIT", number)
    assert sent(ask(address, "/pages/ws/")[1], "X-Cache") == []
    assert sent(ask(address, "/")[1], "X-Cache") == []


def test_the_pages_of_a_whole_site_are_kept(address, publish):
    publish(site(page_cache="1h", paths={"/admin/": {"page_cache": "off"}}))
    query = uuid.uuid4().hex
    found = [sent(ask(address, f"{path}?q={query}")[1], "X-Cache") for path in ("/", "/", "/admin/", "/admin/")]
    assert found == [["MISS"], ["HIT"], [], []]


MEASURING = [
    *("_ga=GA1.1.2.3", "_ga_AB12=GS2.1.s1$o1", "_gid=GA1.1", "_gat=1", "_gat_gtag_UA_1_1=1", "_gac_UA-1-1=1.2.Cj0-x"),
    *("_gcl_au=1.1.2", "_gcl_aw=GCL.1.x", "_fbp=fb.1.2.3", "_fbc=fb.1.2.x", "__utma=1.2", "_hjSession_12=eyJ"),
    *("_pk_id.1.1fff=ab.1", "_pk_ses.1.1fff=1", "_ga=; _gid="),
]
# Names that begin like those, and values that contain another cookie to some programs.
OF_AN_APPLICATION = [
    *(
        "_gallery_session=x",
        "_gateway_key=x",
        "_gauth=x",
        "_gacha=x",
        "_ga_session=x",
        "_gat_session=x",
        "_gac_session=x",
    ),
    *("_hjs=x", "_hj_session=x", "_pk_session.1=x", "_pk_key.1.1fff=x", "__utmsession=x", "_fbs=x", "_GA=x"),
    *("_ga=1,sessionid=1", "_ga=1 sessionid=1", '_ga="1; sessionid=1"', "_ga=1;sessionid=1", "_ga", "_ga =1"),
]


def test_only_cookies_that_measure_visits_are_no_session(cached):
    assert cached("a")[1] == "MISS"
    assert {cookie: cached("a", f"Cookie: {cookie}")[1] for cookie in MEASURING} == dict.fromkeys(MEASURING, "HIT")
    others = {cookie: cached("a", f"Cookie: {cookie}")[1] for cookie in OF_AN_APPLICATION}
    assert others == dict.fromkeys(OF_AN_APPLICATION, "BYPASS")
    assert cached("a", "Cookie: _ga=1", "Cookie: sessionid=1")[1] == "BYPASS"


# django-allauth reads X-Session-Token. `0` means to nginx that there is none.
CREDENTIALS = [
    *("Authorization", "Proxy-Authorization", "X-Authorization", "X-Api-Key", "Api-Key", "X-Auth-Token"),
    *("X-Access-Token", "X-Session-Token"),
]


@pytest.mark.parametrize("value", ["secret", "0"])
def test_a_visitor_with_credentials_shares_no_page(cached, value):
    """The page is neither taken from the cache nor kept for others."""
    known = {name: cached(name, f"{name}: {value}")[1] for name in CREDENTIALS}
    assert known == dict.fromkeys(CREDENTIALS, "BYPASS")
    assert {name: cached(name)[1] for name in CREDENTIALS} == dict.fromkeys(CREDENTIALS, "MISS")


def test_a_request_with_a_body_shares_no_page(cached):
    # The upstream does not read the body of a GET, so it closes the connection.
    query = "Connection=close"
    assert cached(query, "Content-Length: 5", body=b"hello")[1] == "BYPASS"
    assert cached(query, "Transfer-Encoding: chunked", body=b"2\r\nab\r\n0\r\n\r\n")[1] == "BYPASS"
    assert cached(query)[:2] == (200, "MISS")
    assert cached(query, "Content-Length: 0")[1] == "HIT"


def test_pages_that_are_not_kept(cached):
    private = [f"Cache-Control={value}" for value in ("private", "no-store", "no-cache", "max-age%3D0")]
    for query in (*private, "Set-Cookie=a%3Db", "Vary=*", "status=500", "status=302"):
        first, second = cached(query), cached(query)
        assert first[1:] != second[1:], query
        assert second[1] in ("MISS", "EXPIRED", "BYPASS"), query


def test_a_page_is_kept_for_each_value_of_what_it_varies_with(cached):
    german, english = (f"Accept-Language: {language}" for language in ("de", "en"))
    first = cached("Vary=Accept-Language", german)
    other = cached("Vary=Accept-Language", english)
    assert (first[1], other[1]) == ("MISS", "MISS")
    assert cached("Vary=Accept-Language", german) == (200, "HIT", first[2])
    assert cached("Vary=Accept-Language", english) == (200, "HIT", other[2])


def test_an_old_page_is_sent_while_the_application_does_not_answer(cached, driver, undo):
    query = "Cache-Control=max-age%3D1"
    assert cached(query)[1] == "MISS"
    driver.shell("systemctl stop shop")
    undo("systemctl start shop && until curl -sf -o /dev/null 127.0.0.1:8000; do sleep 0.1; done")
    eventually(lambda: cached(query)[:2] in ((200, "STALE"), (200, "UPDATING")))


def test_another_application_has_another_cache(cached, driver, address, publish, undo):
    """A stale page of the former one would be sent while nginx asks the new one."""
    path = f"/pages/?Cache-Control=max-age%3D1&q={uuid.uuid4().hex}"
    assert b"the upstream shop" in ask(address, path)[2]
    before = driver.shell("ls -d /var/lib/nginx/gatehouse-pages-extra.*")
    driver.shell("systemd-run --quiet --unit=rules-app python3 /usr/local/lib/shop.py other 8007")
    undo("systemctl stop rules-app")
    driver.shell("until curl -s -o /dev/null 127.0.0.1:8007; do sleep 0.1; done")
    moved = site(paths={"/pages/": {"page_cache": "1h"}, "/pages/ws/": {"websocket": True}})
    for location in moved["locations"]:
        location["proxy_pass"] = "http://127.0.0.1:8007"
    publish(moved)
    _code, headers, body = ask(address, path)
    assert (sent(headers, "X-Cache"), b"the upstream other" in body) == (["MISS"], True)
    after = driver.shell("ls -d /var/lib/nginx/gatehouse-pages-extra.*")
    assert (len(after.split()), after != before) == (1, True)


def test_a_page_that_another_url_leads_to_is_not_that_of_the_url(address, publish):
    """With X-Accel-Redirect an application chooses it for each visitor, and $request_uri stays as it was."""
    chooses = {"snippet": "if ($http_x_page) { rewrite ^ /pages/$http_x_page? last; }"}
    publish(site(paths={"/mine/": chooses, "/pages/": {"page_cache": "1h"}}))
    pages = [uuid.uuid4().hex for _number in range(2)]
    for how in ("MISS", "HIT"):
        for page in pages:
            _code, headers, body = ask(address, f"/mine/?{pages[0]}", f"X-Page: {page}")
            assert (sent(headers, "X-Cache"), f"/pages/{page}".encode() in body) == ([how], True)


def test_a_cache_that_is_no_longer_used_is_removed(cached, driver, publish):
    cached("a")
    directory = "/var/lib/nginx/gatehouse-pages-extra.*"
    assert driver.shell(f"stat -c '%a %U' {directory}") == "700 www-data"
    publish(site())
    assert driver.shell(f"ls -d {directory} || true") == ""

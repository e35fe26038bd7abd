"""A change is reported only if new workers run it; otherwise the previous generation is live and served again."""

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import quote

import pytest
from helpers.kills import RELOAD, changes, reload_of
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import START, configuration, file_of_another_owner, nginx_stopped, port_held, write

IN_PLACE = "The live configuration is as it was, and nginx serves it as before."


def owned(http_snippet=""):
    """The option with which the scenario's nginx.conf gets a snippet at http level."""
    return {"manage": "always", "http_snippet": http_snippet}


@pytest.fixture
def with_http_snippet(driver):
    """nginx.conf with a snippet; afterwards with none. What nginx keeps in shared memory lives until it is stopped."""

    def with_http_snippet(snippet, *sites):
        return driver.publish(*sites, nginx_conf=owned(snippet))

    yield with_http_snippet
    driver.publish(SHOP, purge=True, nginx_conf=owned())
    driver.shell(START)


def test_new_workers_run_the_new_generation(driver, extra):
    before = set(driver.info()["worker_pids"])
    published = driver.publish(site())
    assert published["reloaded"]
    assert not before & set(driver.info()["worker_pids"])
    assert extra.get("/word").text == "extra"
    assert [part for part in driver.info()["generations"] if part["applied"]] == [
        part for part in driver.info()["generations"] if part["live"]
    ]


def test_a_zone_with_another_key_is_rolled_back(driver, refuse, with_http_snippet, shop):
    assert not with_http_snippet("limit_req_zone $binary_remote_addr zone=tests:1m rate=9r/s;")["failed"]
    message = refuse(nginx_conf=owned("limit_req_zone $http_user_agent zone=tests:1m rate=9r/s;"))
    assert '[emerg] limit_req "tests" uses the "$http_user_agent" key while previously it used the' in message
    assert IN_PLACE in message
    assert shop.get("/").status == 200


def test_a_cache_with_another_path_is_rolled_back(driver, refuse, with_http_snippet, shop):
    assert not with_http_snippet("proxy_cache_path /var/cache/nginx-tests-a keys_zone=tests:1m;")["failed"]
    message = refuse(nginx_conf=owned("proxy_cache_path /var/cache/nginx-tests-b keys_zone=tests:1m;"))
    assert '[emerg] cache "tests" uses the "/var/cache/nginx-tests-b" cache path while previously it used' in message
    assert IN_PLACE in message
    assert shop.get("/").status == 200


def test_a_change_is_applied_after_one_that_was_rolled_back(driver, with_http_snippet, extra):
    with_http_snippet("limit_req_zone $binary_remote_addr zone=tests:1m rate=9r/s;")
    assert driver.publish(nginx_conf=owned("limit_req_zone $http_user_agent zone=tests:1m rate=9r/s;"))["failed"]
    assert driver.publish(site())["reloaded"]
    assert extra.get("/word").text == "extra"


def downloads(word):
    files = {"path": "/downloads/", "alias": "/srv/downloads/"}
    return site(word, locations=[*site()["locations"], files])


def test_a_visitor_cannot_have_a_reload_taken_back(driver, extra):
    """nginx logs the decoded path of a missing file with its line breaks: here, a message as its master writes them."""
    master = driver.info()["master_pid"]
    path = "/downloads/x" + quote(f"\n2026/11/26 10:00:00 [emerg] {master}#{master}: forged")
    driver.publish(downloads("none"))
    stop = Event()

    def forge():
        while not stop.is_set():
            extra.get(path)

    with ThreadPoolExecutor(1) as pool:
        forging = pool.submit(forge)
        try:
            for word in ("one", "two"):
                published = driver.publish(downloads(word))
                assert not published["failed"], published["msg"]
                assert extra.get("/word").text == word
        finally:
            stop.set()
        forging.result()
    assert f"\n2026/11/26 10:00:00 [emerg] {master}#{master}: forged" in driver.shell("cat /var/log/nginx/error.log")


def test_a_reload_is_proved_while_old_workers_drain_a_download(driver, address, extra):
    size = 50_000_000  # more than the buffers between the two ends hold
    driver.shell(f"mkdir -p /srv/downloads && truncate --size {size} /srv/downloads/large")
    driver.publish(downloads("old"))
    with socket.create_connection((address, 80), timeout=60) as connection:
        connection.sendall(b"GET /downloads/large HTTP/1.0\r\nHost: extra.example.test\r\n\r\n")
        answer = connection.recv(1)
        for word in ("new", "newer"):
            published = driver.publish(downloads(word))
            assert published["reloaded"]
            assert extra.get("/word").text == word
            assert driver.shell("pgrep --full '[w]orker process is shutting down'")
            # nginx ends a reader that takes nothing for half a minute.
            answer += connection.recv(1 << 20)
        while more := connection.recv(1 << 20):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(answer.partition(b"\r\n\r\n")[2]) == size


def test_a_stopped_nginx_reads_the_change_at_its_start(driver, extra):
    with nginx_stopped(driver):
        published = driver.publish(site())
        assert (published["changed"], published["reloaded"]) == (True, False)
        assert [warning for warning in published["warnings"] if "nginx is not running" in warning]
        assert driver.shell("systemctl is-active nginx || true") == "inactive"
        assert driver.publish(site())["changed"] is False
    assert extra.get("/word").text == "extra"
    # Started after the switch: nothing is left to heal.
    again = driver.publish(site())
    assert (again["changed"], again["reloaded"]) == (False, False)


def test_a_wrong_change_is_refused_while_nginx_is_stopped(driver):
    with nginx_stopped(driver):
        refused = driver.publish(site(snippet="no_such_directive on;"))
        assert 'unknown directive "no_such_directive"' in refused["msg"]
        assert "serves" not in refused["msg"]
        assert driver.shell("ls /run | grep nginx.pid || true") == ""


def test_a_disabled_nginx_stays_disabled(driver):
    with nginx_stopped(driver):
        driver.shell("systemctl disable --quiet nginx")
        try:
            assert driver.publish(site())["changed"]
            assert driver.shell("systemctl is-active nginx || true") == "inactive"
            assert driver.shell("systemctl is-enabled nginx || true") == "disabled"
        finally:
            driver.shell("systemctl enable --quiet nginx")


def theirs(error_log):
    """An nginx.conf that is not ours."""
    return f"""user www-data;
pid /run/nginx.pid;
error_log {error_log};
events {{}}
http {{
    include /etc/nginx/conf.d/*.conf;
}}
"""


KEY = "limit_req_zone $%s zone=tests:1m rate=9r/s;"


ERROR_LOGS = ["/srv/elsewhere.log warn", "logs-below-its-prefix.log", "stderr", "syslog:server=unix:/dev/log"]


@pytest.mark.parametrize("error_log", ERROR_LOGS)
def test_the_message_of_nginx_is_found_in_any_error_log(driver, error_log):
    with configuration(driver, theirs(error_log), zone=KEY % "binary_remote_addr"):
        assert driver.publish(SHOP)["reloaded"]
        write(driver, "/etc/nginx/conf.d/zone.conf", KEY % "http_user_agent")
        refused = driver.publish(SHOP, site())
    assert '[emerg] limit_req "tests" uses the "$http_user_agent" key while previously it used' in refused["msg"]
    assert IN_PLACE in refused["msg"]


def test_a_failed_reload_is_noticed_without_an_error_log(driver):
    with configuration(driver, theirs("/dev/null"), zone=KEY % "binary_remote_addr"):
        assert driver.publish(SHOP)["reloaded"]
        write(driver, "/etc/nginx/conf.d/zone.conf", KEY % "http_user_agent")
        refused = driver.publish(SHOP, site(), patch={"_nginx.reload.RELOAD_TIMEOUT_SECONDS": 1})
    assert "nginx did not apply the new configuration" in refused["msg"]
    assert IN_PLACE in refused["msg"]


def test_an_old_emergency_in_the_log_is_ignored(driver, extra):
    with file_of_another_owner(driver, "no_such_directive on;"):
        driver.shell("systemctl reload nginx || true")
    driver.shell("echo '2026/01/01 00:00:00 [emerg] 1#1: an old one' >> /var/log/nginx/error.log")
    assert driver.publish(site())["reloaded"]
    assert extra.get("/word").text == "extra"


def test_the_next_run_reloads_after_a_kill_between_switch_and_reload(driver, extra):
    assert driver.die(site(), kill_at=reload_of(driver, site()))["killed"]
    before = set(driver.info()["worker_pids"])
    healed = driver.publish(site())
    assert (healed["changed"], healed["reloaded"]) == (True, True)
    assert not before & set(driver.info()["worker_pids"])
    assert extra.get("/word").text == "extra"
    assert driver.publish(site())["changed"] is False


def test_the_next_run_restores_what_nginx_runs_if_the_reload_fails(driver, extra):
    driver.publish(site("old"))
    wanted = site("new", listen=["80", "8099"])
    events = changes(driver, wanted)
    driver.publish(site("old"))
    running = driver.info()["generation"]
    assert driver.die(wanted, kill_at=events.index(RELOAD) + 1)["killed"]
    with port_held(driver, 8099):
        refused = driver.publish(wanted)
    assert refused["failed"]
    assert "bind() to 0.0.0.0:8099 failed" in refused["msg"]
    assert driver.info()["generation"] == running
    assert extra.get("/word").text == "old"
    driver.shell(START)
    assert extra.get("/word").text == "old"


def test_nginx_started_by_hand_is_not_reloaded_again(driver, extra):
    driver.publish(site())
    driver.shell(START)
    again = driver.publish(site())
    assert (again["changed"], again["reloaded"]) == (False, False)


def test_concurrent_reloads_do_no_harm(driver, extra):
    write(driver, "/tmp/reloads", "for _ in $(seq 20); do systemctl reload nginx; sleep 0.1; done\n")
    driver.shell("systemd-run --quiet --collect --unit=reloads bash /tmp/reloads; rm -f /tmp/never")
    published = [driver.publish(site(word)) for word in ("one", "two", "three")]
    assert [answer["failed"] for answer in published] == [False] * 3
    assert extra.get("/word").text == "three"
    driver.shell("systemctl stop reloads || true; rm /tmp/reloads")


def test_after_a_reboot_a_refusal_is_the_same_twice(driver, refuse):
    """/run is empty then: all that there is to know is that nginx was started after the switch."""
    driver.publish(site())
    driver.shell(f"rm /run/gatehouse-nginx-generation; {START}")
    with port_held(driver, 8099), file_of_another_owner(driver, "server { listen 8099; server_name late; }"):
        assert IN_PLACE in refuse(site("new"))
    again = driver.publish(site())
    assert (again["changed"], again["reloaded"]) == (False, False)

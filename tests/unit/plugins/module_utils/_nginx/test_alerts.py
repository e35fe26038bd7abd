"""Which lines of nginx's error log are reported, once each, with their meaning."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alerts import MOST, collect

NOW = 1_790_000_000
PRESENT = 7
NO_SPACE = '[crit] {}#0: *3 pwrite() "/var/lib/nginx/body/3" failed (28: No space left on device), client: 192.0.2.1'
NO_CONNECTIONS = "[alert] {}#0: 64 worker_connections are not enough"


def line(text, age=0, pid=PRESENT):
    return f"{time.strftime('%Y/%m/%d %H:%M:%S', time.localtime(NOW - age))} {text.format(pid)}"


def collected(*lines):
    """What is reported of the *lines*, which are given oldest first."""
    return collect(reversed(lines), NOW - 3600, NOW, {PRESENT})


def test_a_message_and_its_meaning():
    (alert,) = collected(line(NO_SPACE))
    assert alert.described().startswith('nginx logged \'[crit] pwrite() "/var/lib/nginx/body/3" failed (28: No space')
    assert alert.described().endswith(
        "a file system was full: uploads and large responses fail, and access logs have gaps"
    )
    assert "192.0.2.1" not in alert.described()
    assert "df" in alert.known.remedy


def test_the_same_message_is_reported_once_with_its_last_time():
    (alert,) = collected(line(NO_SPACE, 60), line(NO_SPACE, 30), line(NO_SPACE.replace("body/3", "body/4"), 5))
    assert (alert.count, alert.time) == (3, NOW - 5)
    assert "(3 times, last at " in alert.described()


def test_the_newest_comes_first():
    assert [alert.time for alert in collected(line(NO_SPACE, 9), line(NO_CONNECTIONS, 3))] == [NOW - 3, NOW - 9]


def test_what_was_logged_before_is_not_reported():
    assert collected(line(NO_SPACE, 3601)) == []
    assert len(collected(line(NO_SPACE, 3599))) == 1


def test_what_was_logged_while_the_clock_was_wrong_is_not_recent():
    assert [one.time for one in collected(line(NO_SPACE, -86400), line(NO_CONNECTIONS, 3))] == [NOW - 3]


@pytest.mark.parametrize(
    "text",
    [
        NO_CONNECTIONS,
        "[alert] {}#0: setrlimit(RLIMIT_NOFILE, 20192) failed (1: Operation not permitted)",
        "[crit] {}#0: accept4() failed (24: Too many open files)",
    ],
)
def test_limits_of_workers_that_a_reload_has_replaced_do_not_count(text):
    assert len(collected(line(text))) == 1
    assert collected(line(text, pid=6)) == []
    # A full disk is no matter of a worker.
    assert len(collected(line(NO_SPACE, pid=6))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[crit] {}#0: *9 SSL_do_handshake() failed (SSL: error:0A00006C:SSL::bad key share), client: 192.0.2.1",
        "[crit] {}#0: *9 connect() to unix:/a failed (2: No such file or directory), client: 192.0.2.1, server: a",
        "[alert] {}#0: *12 open socket #3 left in connection 5",
        "[alert] {}#0: aborting",
        "[error] {}#0: *9 (28: No space left on device)",
        "[emerg] {}#0: bind() to 0.0.0.0:80 failed (98: Address already in use)",
    ],
)
def test_what_says_nothing_of_the_host(text):
    assert collected(line(text)) == []


def test_a_message_that_is_not_known_is_reported_as_it_is():
    (alert,) = collected(line("[alert] {}#0: sched_setaffinity() failed (22: Invalid argument)"))
    assert alert.known is None
    assert alert.described().endswith("UTC)")


def test_only_lines_of_nginx_count():
    forged = (
        f'{line(NO_CONNECTIONS)[:19]} [error] 7#0: *1 x "GET /\n' + "/[alert] 7#0: worker_connections are not enough"
    )
    assert collected(*forged.splitlines(), "9999/99/99 99:99:99 [alert] 7#0: no month", "") == []


def test_many_different_messages():
    assert len(collected(*(line(f"[alert] {{}}#0: message {letter}", 1) for letter in "abcdefghij"))) == MOST


def test_control_characters_are_escaped():
    assert "\x1b" not in collected(line("[alert] {}#0: \x1b[31mred"))[0].described()

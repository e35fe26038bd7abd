"""What the doctor reads in nginx's error log."""

from __future__ import annotations

import os
import time

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.target import find, parse


def line(text, path="/upload/x?token=hidden", host="shop.test", age=10):
    at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - age))
    request = f'client: 192.0.2.9, server: shop.test, request: "POST {path} HTTP/1.1", host: "{host}"'
    return f"{at} [error] 12#12: *3 {text}, {request}\n"


def test_an_entry_has_the_message_and_the_request(doctor_host, tmp_path):
    (tmp_path / "error.log").write_text("not a line\n" + line("upstream, prematurely closed") + line("old", age=4000))
    host = doctor_host()
    (entry,) = log.recent(host, host.tree)
    assert (entry.text, entry.host, entry.method, entry.path) == (
        *("upstream, prematurely closed", "shop.test", "POST", "/upload/x"),
    )
    assert len(log.recent(host, host.tree, 0)) == 2


def test_an_entry_from_a_clock_that_was_wrong_is_not_recent(doctor_host, tmp_path):
    (tmp_path / "error.log").write_text(line("ahead", age=-86400) + line("now"))
    host = doctor_host()
    assert [entry.text for entry in log.recent(host, host.tree)] == ["now"]


def test_a_log_for_one_site(doctor_host, tmp_path):
    (tmp_path / "own.log").write_text(line("here"))
    host = doctor_host(f"error_log {tmp_path}/own.log;")
    assert [entry.text for entry in log.recent(host, host.tree.own("http"))] == ["here"]
    host = doctor_host("error_log stderr;")
    assert log.recent(host, host.tree.own("http")) == []


def test_lines_that_only_look_like_entries_are_ignored(doctor_host, tmp_path):
    """A program behind FastCGI may write newlines into the log."""
    (tmp_path / "error.log").write_bytes(b"2026/99/99 99:99:99 [error] 1#1: x\n\xff\xfe\n" + line("upstream").encode())
    host = doctor_host()
    assert [entry.text for entry in log.recent(host, host.tree)] == ["upstream"]


def test_a_log_that_is_a_fifo_has_no_entries(doctor_host, tmp_path):
    os.mkfifo(tmp_path / "own.log")
    host = doctor_host(f"error_log {tmp_path}/own.log;")
    assert log.recent(host, host.tree.own("http")) == []


def test_the_log_of_many_sites_is_parsed_once(doctor_host, tmp_path, monkeypatch):
    (tmp_path / "error.log").write_text(line("here") * 3)
    host = doctor_host("".join(f"server {{ server_name s{number}.test; }}" for number in range(50)))
    parsed, entry = [], log._entry
    monkeypatch.setattr(log, "_entry", lambda found: parsed.append(found) or entry(found))
    assert [len(log.recent(host, server)) for server in host.tree.below("server")] == [3] * 50
    assert len(parsed) == 3
    (tmp_path / "error.log").write_text(line("here") * 4)
    assert len(log.recent(host, host.tree)) == 4


def test_lines_of_the_doctors_own_request(doctor_host, tmp_path):
    """A visitor knows its client, time, host and path, but not its Referer."""
    host = doctor_host("server { server_name shop.test; }")
    request, now = find(host, parse("http://shop.test/a?b=c")), time.time()
    answer = Answer(503, client="127.0.0.1", began=now, ended=now)
    at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(now))
    start = f'{at} [error] 1#1: *1 %s, client: 127.0.0.1, server: s, request: "GET /a?b=c HTTP/1.1", host: "shop.test"'
    own, other = f'{start % "own"}, referrer: "{request.referrer}"', f'{start % "other"}, referrer: "http://shop.test/"'
    forged = f'{start % "x"}, referrer: "a", client: 127.0.0.1, request: "GET /a HTTP/1.1", host: "shop.test"'
    longer = f'{start % "y"}, referrer: "{request.referrer}x"'
    (tmp_path / "error.log").write_text("\n".join([own, other, start % "none", forged, longer]))
    assert [entry.text for entry in log.lines_of(host, request, answer)] == ["own"]


def test_each_request_has_a_referer_of_its_own(doctor_host):
    host = doctor_host("server { server_name shop.test; }")
    found = {find(host, parse(f"http://shop.test{path}")).referrer for path in ("/", "/a", "/a?b", "/")}
    assert len(found) == 3
    assert all(one.startswith("http://shop.test/?gatehouse-doctor=") for one in found)

"""What is read out of nginx's error log."""

from __future__ import annotations

import os
import time

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import log


def line(text, path="/upload/x?token=hidden", host="shop.test", age=10):
    at = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(time.time() - age))
    request = f'client: 192.0.2.9, server: shop.test, request: "POST {path} HTTP/1.1", host: "{host}"'
    return f"{at} [error] 12#12: *3 {text}, {request}\n"


def test_a_line_says_what_happened_to_which_request(doctor_host, tmp_path):
    (tmp_path / "error.log").write_text("not a line\n" + line("upstream, prematurely closed") + line("old", age=4000))
    host = doctor_host()
    (entry,) = log.recent(host.tree, host.nginx)
    assert (entry.text, entry.host, entry.method, entry.path) == (
        *("upstream, prematurely closed", "shop.test", "POST", "/upload/x"),
    )
    assert len(log.recent(host.tree, host.nginx, 0)) == 2


def test_a_log_of_the_sites_own(doctor_host, tmp_path):
    (tmp_path / "own.log").write_text(line("here"))
    host = doctor_host(f"error_log {tmp_path}/own.log;")
    assert [entry.text for entry in log.recent(host.tree.own("http"), host.nginx)] == ["here"]
    assert log.recent(doctor_host("error_log stderr;").tree.own("http"), host.nginx) == []


def test_what_only_looks_like_a_line(doctor_host, tmp_path):
    """A program behind FastCGI may write newlines into the log."""
    (tmp_path / "error.log").write_bytes(b"2026/99/99 99:99:99 [error] 1#1: x\n\xff\xfe\n" + line("well").encode())
    host = doctor_host()
    assert [entry.text for entry in log.recent(host.tree, host.nginx)] == ["well"]


def test_a_log_that_is_none(doctor_host, tmp_path):
    os.mkfifo(tmp_path / "own.log")
    host = doctor_host(f"error_log {tmp_path}/own.log;")
    assert log.recent(host.tree.own("http"), host.nginx) == []

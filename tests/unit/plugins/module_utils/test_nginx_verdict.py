"""What is read out of nginx's messages."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_verdict as verdict

REFUSAL = """gatehouse: isolated
2026/11/22 10:47:17 [emerg] 466#466: unknown directive "x" in /etc/nginx/gatehouse/live/sites/shop.conf:26
nginx: [emerg] unknown directive "x" in /etc/nginx/gatehouse/live/sites/shop.conf:26
nginx: configuration file /etc/nginx/nginx.conf test failed
"""


def answer(rc, stderr):
    return lambda command: (rc, "", stderr)


HOST = {"path": "/usr/sbin/nginx", "conf_dir": "/etc/nginx"}


def test_messages_are_nginx_words_once():
    assert verdict.messages(REFUSAL) == [
        '[emerg] unknown directive "x" in /etc/nginx/gatehouse/live/sites/shop.conf:26'
    ]


def test_messages_of_another_program_are_kept():
    assert verdict.messages("unshare: unshare failed: Operation not permitted\n") == [
        "unshare: unshare failed: Operation not permitted"
    ]


def test_verdicts():
    assert verdict.check(answer(0, "gatehouse: isolated\n"), HOST, "/tmp").valid
    refused = verdict.check(answer(1, REFUSAL), HOST, "/tmp")
    assert (refused.isolated, refused.valid) == (True, False)
    without = verdict.check(answer(1, "unshare: unshare failed: Operation not permitted\n"), HOST, "/tmp")
    assert (without.isolated, without.valid) == (False, False)


def test_a_success_outside_the_namespace_is_not_believed():
    assert not verdict.check(answer(0, ""), HOST, "/tmp").valid


def test_blame_names_the_site():
    assert verdict.blame(verdict.messages(REFUSAL)[0], "/etc/nginx") == "This is site 'shop'."


def test_blame_names_the_file_of_another_owner():
    line = "[emerg] unexpected end of file in /etc/nginx/conf.d/old.conf:3"
    assert "/etc/nginx/conf.d/old.conf does not belong to Gatehouse: line 3" in verdict.blame(line, "/etc/nginx")


def test_conflicts_are_those_of_our_names():
    lines = [
        '[warn] conflicting server name "a.example" on 0.0.0.0:80, ignored',
        "[warn] other",
        '[warn] conflicting server name "b.example" on 0.0.0.0:80, ignored',
    ]
    assert verdict.conflicts(lines, {"a.example"}) == ["a.example"]

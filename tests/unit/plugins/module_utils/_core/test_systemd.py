"""The state of a systemd unit and its last message."""

from __future__ import annotations

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd

TRACEBACK = """Starting gunicorn
Traceback (most recent call last):
  File "wsgi.py", line 1, in <module>
django.db.utils.OperationalError: no route to postgres://me:geheim@db/
[2026-11-23 01:00:00 +0000] [7] [ERROR] Worker (pid:8) exited with code 3.
[2026-11-23 01:00:00 +0000] [7] [INFO] Shutting down: Master
"""


def journal(own="", of_systemd=""):
    def run(args):
        return 0, own if args[-1].startswith("_SYSTEMD_UNIT=") else of_systemd, ""

    return run


@pytest.mark.parametrize(
    ("active", "sub", "restarts", "failing"),
    [
        ("active", "running", "0", False),
        ("active", "running", "5", False),
        ("inactive", "dead", "0", False),
        ("activating", "start", "0", False),
        ("activating", "start", "2", True),
        ("activating", "auto-restart", "1", True),
        ("failed", "failed", "0", True),
    ],
)
def test_is_failing(active, sub, restarts, failing):
    assert systemd.is_failing({"ActiveState": active, "SubState": sub, "NRestarts": restarts}) is failing


def test_state_in_systemds_terms():
    found = systemd.show(lambda args: (0, "ActiveState=failed\nSubState=failed\nResult=exit-code\n", ""), "x.service")
    assert systemd.state(found) == "failed (failed), result exit-code"
    assert systemd.state({"ActiveState": "inactive", "SubState": "dead", "Result": "success"}) == "inactive (dead)"


def test_the_last_exception_without_secrets():
    variables = {"DATABASE_URL": "postgres://me:geheim@db/", "DJANGO_SETTINGS_MODULE": "django.db"}
    said = systemd.last_words(journal(TRACEBACK), "x.service", variables)
    assert said == "django.db.utils.OperationalError: no route to ******** (wsgi.py, line 1)"


def test_the_last_line_where_there_is_no_exception():
    assert systemd.last_words(journal("one\n\ntwo\n"), "x.service", {}) == "two"


def test_the_words_cannot_control_a_terminal():
    assert systemd.last_words(journal("ValueError: \x1b]0;x\x07\n"), "x.service", {}) == "ValueError: \\x1b]0;x\\x07"


def test_systemds_message_is_used_if_the_program_logged_nothing():
    said = "Starting x\nx.service: Main process exited, code=exited, status=203/EXEC\n"
    assert "status=203/EXEC" in systemd.last_words(journal("", said), "x.service", {})


def test_the_environment_is_read_as_it_is_written(tmp_path):
    (tmp_path / "env").write_text('A="x"\nKEY="a\\"b\\\\c\nd"\n')
    assert systemd.environment(str(tmp_path / "env")) == {"A": "x", "KEY": 'a"b\\c\nd'}
    assert systemd.environment(str(tmp_path / "none")) == {}


def test_only_systemd_speaks_for_a_unit():
    """Any process may write UNIT= into the journal."""
    asked = []
    systemd.last_words(lambda args: (asked.append(args), (0, "", ""))[1], "x.service", {})
    assert [args[-2:] for args in asked][-1] == ["UNIT=x.service", "_PID=1"]


def test_an_environment_that_is_none(tmp_path):
    os.mkfifo(tmp_path / "env")
    assert systemd.environment(str(tmp_path / "env")) == {}
    (tmp_path / "bytes").write_bytes(b'A="\xff"\n')
    assert systemd.environment(str(tmp_path / "bytes")) == {"A": "\ufffd"}


def test_a_unit_in_the_background():
    command = systemd.systemd_start("watch", ["User=shop"], ["--service-type=notify"])
    assert command[:4] == ["systemd-run", "--quiet", "--collect", "--unit=watch"]
    assert command[4:] == ["--service-type=notify", "--property=User=shop", "--"]


def test_the_value_of_one_property():
    command = ["systemctl", "show", "--property=ActiveState", "--value", "shop.service"]
    assert systemd.value_command("shop.service", "ActiveState") == command

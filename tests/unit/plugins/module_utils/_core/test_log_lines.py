"""Lines of several logs."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import log_lines
from ansible_collections.gatehouse.django.plugins.module_utils._core.log_lines import LogLine

TIMESTAMP = "  Original form: -1h\n   UNIX seconds: @1795658352.5\n"


@pytest.mark.parametrize(
    ("given", "asked"),
    [("15min", "-15min"), ("2h 30min", "-2h 30min"), ("-1h", "-1h"), ("yesterday", "yesterday"), (" 90 ", "-90")],
)
def test_since(given, asked):
    commands = []

    def run(argv):
        commands.append(argv)
        return 0, TIMESTAMP, ""

    assert log_lines.since(run, given) == 1795658352.5
    assert commands[0][-1] == asked


def test_since_that_systemd_cannot_read():
    with pytest.raises(ValueError, match=r"since: 'soon' cannot be read \(Failed to parse\)\. Write a time span"):
        log_lines.since(lambda _argv: (1, "", "Failed to parse\n"), "soon")


def test_a_line_shows_no_secret_token_or_control_character():
    line = LogLine(1795658352.5, "web", "shop\x1b", 'k3y "GET /a?token=t0ken&page=2 HTTP/1.1" db://u:pa55@h/ \x1b[31m')
    shown = log_lines.shown(line, ["k3y"])
    assert shown.text == '******** "GET /a?token=********&page=******** HTTP/1.1" db://u:********@h/ \\x1b[31m'
    assert shown.as_dict()["time"] == "2026-11-26T01:59:12.500Z"
    assert len(log_lines.shown(LogLine(0, "web", "", "x" * 9000), []).text) == 4000

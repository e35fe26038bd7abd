"""What nginx logged as [alert] and [crit] is reported, with the meaning if it is known."""

from __future__ import annotations

import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.alerts import check_alerts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import alerts

FULL = "[crit] 7#0: *3 pwrite() failed (28: No space left on device), client: 192.0.2.1"
UNKNOWN = "[alert] 7#0: worker process 9 exited with fatal code 2 and cannot be respawned"


@pytest.fixture
def found(doctor_host, tmp_path, monkeypatch):
    """found(message...): the findings where nginx's error log has these messages of this second."""

    def found(*messages, log="error.log", journal=""):
        monkeypatch.setattr(alerts, "log_file", lambda master, path: tmp_path / log if log else None)
        monkeypatch.setattr(alerts, "started", lambda pid: time.time() - 60)
        now = time.strftime("%Y/%m/%d %H:%M:%S")
        text = "".join(f"{now} {message}\n" for message in messages)
        (tmp_path / "error.log").write_text(text)
        return check_alerts(doctor_host("", ("journalctl", text)))

    return found


def test_a_message_whose_meaning_is_known(found):
    (finding,) = found(FULL)
    assert finding.site == "all sites"
    assert "a file system was full" in finding.cause
    assert finding.remedy.startswith("Free space: ")


def test_a_message_whose_meaning_is_not_known(found, tmp_path):
    (finding,) = found(UNKNOWN)
    assert finding.cause.startswith(
        "nginx logged '[alert] worker process 9 exited with fatal code 2 and cannot be resp"
    )
    assert finding.remedy == f"Read what nginx logged before and after it: `tail -n 50 {tmp_path}/error.log`."
    (finding,) = found(UNKNOWN, log=None)
    assert finding.remedy.endswith("`journalctl -n 50 -u nginx`.")


def test_it_is_short_and_harmless(found):
    (finding,) = found(f"[alert] 7#0: \x1b[31m{'x' * 5000}")
    assert "\x1b" not in finding.cause
    assert len(finding.cause) < 500


def test_what_a_client_causes_is_not_reported(found):
    assert found("[crit] 7#0: *9 SSL_do_handshake() failed (SSL: bad key share), client: 192.0.2.1") == []


def test_nginx_that_does_not_run(doctor_host):
    assert check_alerts(doctor_host(master=None)) == []

"""Whether nginx runs with the configuration on disk."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import nginx as checks
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.validate import ValidationResult

BROKEN = '[emerg] unknown directive "x" in /etc/nginx/conf.d/shop.conf:26'
MISSING = '[emerg] cannot load certificate "/x.pem": BIO_new_file() failed'


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setattr(checks.shutil, "which", lambda name: name)
    (tmp_path / "nginx.conf").write_text("http { server { listen 80; } server { listen 443 ssl; } }")

    def check(*messages, master=None, state="", isolated=True, listening="", journal="", installed=True):
        result = ValidationResult(isolated, not messages, list(messages), "")
        monkeypatch.setattr(checks, "check", lambda run, nginx: result)
        outputs = {"systemctl": state, "journalctl": journal}

        def run(args):
            return 0, listening if args[0] == "ss" and args[-1] == ":443" else outputs.get(args[0], ""), ""

        nginx = {"installed": installed, "conf_path": str(tmp_path / "nginx.conf"), "conf_dir": "/etc/nginx"}
        return checks.check_nginx(run, nginx, master)

    return check


def test_nginx_that_runs(check):
    assert check(master=7) is None
    # Without a namespace, the test would change the host.
    assert check(BROKEN, master=7, isolated=False) is None


def test_no_nginx(check):
    finding = check(installed=False)
    assert (finding.site, finding.cause) == ("all sites", "nginx is not installed on this host.")


def test_a_broken_configuration(check):
    finding = check("[warn] something else", BROKEN, master=7)
    assert finding.cause == (
        'nginx rejects its configuration: unknown directive "x" in /etc/nginx/conf.d/shop.conf:26. '
        "nginx still serves the configuration that it read before, but it would not start again."
    )
    assert finding.remedy == "Correct /etc/nginx/conf.d/shop.conf:26, then `nginx -t && systemctl reload nginx`."
    finding = check(BROKEN)
    assert finding.cause.endswith("nginx does not run for this reason.")
    assert "systemctl restart nginx" in finding.remedy
    assert check(MISSING).remedy.startswith("Correct that, then")
    own = MISSING.replace("/x.pem", "/etc/gatehouse/services/web/server.crt")
    assert check(own).remedy.startswith("Correct that, then")
    own = own.replace("failed", "failed (SSL: error:80000002:system library::No such file or directory)")
    assert check(own).remedy.startswith("Run `ansible-playbook gatehouse.django.site`, which makes this file, then")


def test_a_generated_file_is_not_corrected_by_hand(check):
    finding = check(BROKEN.replace("conf.d", "gatehouse/live/sites"))
    assert 'unknown directive "x" in /etc/nginx/gatehouse/live/sites/shop.conf:26' in finding.cause
    assert finding.remedy.startswith("Run `ansible-playbook gatehouse.django.site`, which writes this file or names ")


def test_nginx_is_stopped(check):
    finding = check(state="ActiveState=inactive\nSubState=dead\n", journal="old words")
    assert finding.cause == "nginx does not run: nginx.service is inactive (dead)."
    assert finding.remedy == "`systemctl restart nginx`"
    finding = check(state="ActiveState=failed\nSubState=failed\nResult=signal\n", journal="last words\n")
    assert finding.cause.endswith("is failed (failed), result signal. Last line of its journal: last words")


def test_nginx_is_masked(check):
    assert check(state="LoadState=masked\n").remedy == "`systemctl unmask --now nginx`"


def test_a_file_that_nginx_has_not_read(doctor_host, monkeypatch, tmp_path):
    host = doctor_host("server { }")
    changed = (tmp_path / "nginx.conf").stat().st_ctime
    monkeypatch.setattr(checks, "worker_pids", lambda master: {8, 9})
    monkeypatch.setattr(checks, "started", lambda pid: changed + pid)
    assert checks.check_unread(host, "shop.test") is None
    monkeypatch.setattr(checks, "started", lambda pid: changed + pid - 8.5)
    finding = checks.check_unread(host, "shop.test")
    assert finding.cause.startswith(f"{tmp_path}/nginx.conf has changed since nginx read its configuration")
    assert finding.remedy == "`nginx -t && systemctl reload nginx`"


def test_a_file_of_the_future_is_of_a_clock_that_was_wrong(doctor_host, monkeypatch, tmp_path):
    """No reload would end the finding before that time comes."""
    host = doctor_host("server { }")
    changed = (tmp_path / "nginx.conf").stat().st_ctime
    monkeypatch.setattr(checks, "worker_pids", lambda master: {8})
    monkeypatch.setattr(checks, "started", lambda pid: changed - 60)
    assert checks.check_unread(host, "shop.test")
    monkeypatch.setattr(checks.time, "time", lambda: changed - 30)
    assert checks.check_unread(host, "shop.test") is None


def test_another_program_has_a_port(check):
    finding = check(listening='LISTEN 0 5 *:443 *:* users:(("apache2",pid=99,fd=4))\n')
    assert finding.cause == "nginx does not run, and apache2 (process 99) listens on its port 443."
    assert finding.remedy.startswith("Stop apache2 (process 99)")

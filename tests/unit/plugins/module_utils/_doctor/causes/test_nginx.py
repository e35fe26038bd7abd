"""Whether nginx itself is well."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import nginx as condition
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.validate import ValidationResult

BROKEN = '[emerg] unknown directive "x" in /etc/nginx/conf.d/shop.conf:26'
MISSING = '[emerg] cannot load certificate "/x.pem": BIO_new_file() failed'


@pytest.fixture
def explain(tmp_path, monkeypatch):
    monkeypatch.setattr(condition.shutil, "which", lambda name: name)
    (tmp_path / "nginx.conf").write_text("http { server { listen 80; } server { listen 443 ssl; } }")

    def explain(*messages, master=None, state="", isolated=True, listening="", journal="", installed=True):
        verdict = ValidationResult(isolated, not messages, list(messages), "")
        monkeypatch.setattr(condition, "check", lambda run, nginx: verdict)
        outputs = {"systemctl": state, "journalctl": journal}

        def run(args):
            return 0, listening if args[0] == "ss" and args[-1] == ":443" else outputs.get(args[0], ""), ""

        nginx = {"installed": installed, "conf_path": str(tmp_path / "nginx.conf")}
        return condition.explain(run, nginx, master)

    return explain


def test_nginx_that_is_well(explain):
    assert explain(master=7) == []
    # Without a namespace there is no test that leaves no trace.
    assert explain(BROKEN, master=7, isolated=False) == []


def test_no_nginx(explain):
    (finding,) = explain(installed=False)
    assert (finding.site, finding.cause) == ("all sites", "This host has no nginx.")


def test_a_broken_configuration(explain):
    (finding,) = explain("[warn] something else", BROKEN, master=7)
    assert finding.cause == (
        'nginx refuses its configuration: unknown directive "x" in /etc/nginx/conf.d/shop.conf:26. '
        "It serves what it read before, and would not start again."
    )
    assert finding.remedy == "Mend /etc/nginx/conf.d/shop.conf:26, then `nginx -t && systemctl reload nginx`."
    (finding,) = explain(BROKEN)
    assert finding.cause.endswith("That is why it does not run.")
    assert "systemctl restart nginx" in finding.remedy
    assert explain(MISSING)[0].remedy.startswith("Mend that, then")


def test_nginx_is_stopped(explain):
    (finding,) = explain(state="ActiveState=inactive\nSubState=dead\n", journal="old words")
    assert finding.cause == "nginx does not run: nginx.service is inactive (dead)."
    assert finding.remedy == "`systemctl restart nginx`"
    (finding,) = explain(state="ActiveState=failed\nSubState=failed\nResult=signal\n", journal="last words\n")
    assert finding.cause.endswith("is failed (failed), result signal. It last said: last words")


def test_nginx_is_masked(explain):
    assert explain(state="LoadState=masked\n")[0].remedy == "`systemctl unmask --now nginx`"


def test_a_file_that_nginx_has_not_read(doctor_host, monkeypatch, tmp_path):
    host = doctor_host("server { }")
    changed = (tmp_path / "nginx.conf").stat().st_ctime
    monkeypatch.setattr(condition, "worker_pids", lambda master: {8, 9})
    monkeypatch.setattr(condition, "started", lambda pid: changed + pid)
    assert condition.unread(host, "shop.test") is None
    monkeypatch.setattr(condition, "started", lambda pid: changed + pid - 8.5)
    finding = condition.unread(host, "shop.test")
    assert finding.cause.startswith(f"{tmp_path}/nginx.conf has changed since nginx read its configuration")
    assert finding.remedy == "`nginx -t && systemctl reload nginx`"


def test_another_program_has_a_port(explain):
    (finding,) = explain(listening='LISTEN 0 5 *:443 *:* users:(("apache2",pid=99,fd=4))\n')
    assert finding.cause == "nginx does not run, and apache2 (process 99) holds its port 443."
    assert finding.remedy.startswith("Stop apache2 (process 99)")

"""What certbot's timer finds on the host, where there is no Ansible."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.gatehouse.django.plugins.module_utils import _acme_hook as hook


def installed(tmp_path, monkeypatch):
    monkeypatch.setattr(hook, "HOOK", tmp_path / "deploy-certificate")
    monkeypatch.setattr(hook, "PROGRAM", hook.PROGRAM.replace("/usr/local/lib/gatehouse", str(tmp_path)))
    files = hook.sources()
    hook.write(files, hook.outdated(files))
    return files


def test_the_hook_needs_nothing_but_what_is_installed(tmp_path, monkeypatch):
    files = installed(tmp_path, monkeypatch)
    assert hook.outdated(files) == []
    # -I: neither this test's paths nor any package of its environment's.
    command = [sys.executable, "-I", "-S", str(tmp_path / "deploy-certificate")]
    environment = {"RENEWED_LINEAGE": "/etc/letsencrypt/live/somebody-elses", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_hook_says_what_is_wrong(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch)
    command = [sys.executable, "-I", "-S", str(tmp_path / "deploy-certificate")]
    environment = {"RENEWED_LINEAGE": str(tmp_path / "gatehouse-shop"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "gatehouse-shop: the certificate is there, but nginx does not serve it:" in done.stderr


def test_a_private_authority_is_trusted_besides_the_known_ones(tmp_path, monkeypatch):
    known = tmp_path / "known.crt"
    known.write_text("known\n")
    monkeypatch.setattr(hook, "SYSTEM_ROOTS", known)
    files = hook.roots("private\n")
    assert files[hook.ROOTS] == "known\nprivate\n"
    assert f"Environment=REQUESTS_CA_BUNDLE={hook.ROOTS}" in files[hook.DROP_IN]
    assert hook.roots(None) == {hook.ROOTS: None, hook.DROP_IN: None}

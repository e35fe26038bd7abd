"""The deploy hook works on a host without Ansible."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._acme import hook

UTILS = "ansible_collections.gatehouse.django.plugins.module_utils."


def imports(module):
    """The modules of the collection that *module* imports."""
    directory = Path(hook.__file__).parents[1]
    for node in ast.walk(ast.parse(directory.joinpath(*module.split(".")).with_suffix(".py").read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(UTILS):
            package = f"{node.module}.".removeprefix(UTILS)
            for alias in node.names:
                inside = f"{package}{alias.name}"
                is_module = directory.joinpath(*inside.split(".")).with_suffix(".py").is_file()
                yield inside if is_module else package.rstrip(".")


def test_the_list_of_modules_is_what_the_renewal_imports():
    found, ahead = set(), ["_acme.renewal"]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += imports(module)
    assert sorted(found) == list(hook.MODULES)


def installed(tmp_path, monkeypatch):
    monkeypatch.setattr(hook, "HOOK", tmp_path / "deploy-certificate")
    monkeypatch.setattr(hook, "PROGRAM", hook.PROGRAM.replace("/usr/local/lib/gatehouse", str(tmp_path)))
    files = hook.hook_files()
    hook.write(files, hook.outdated(files))
    return files


def test_the_hook_needs_nothing_but_what_is_installed(tmp_path, monkeypatch):
    files = installed(tmp_path, monkeypatch)
    assert hook.outdated(files) == []
    # -I: neither this test's paths nor any package of its environment's.
    command = [sys.executable, "-I", "-S", str(tmp_path / "deploy-certificate")]
    environment = {"RENEWED_LINEAGE": "/etc/letsencrypt/live/of-another-tool", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_hook_reports_the_reason(tmp_path, monkeypatch):
    installed(tmp_path, monkeypatch)
    command = [sys.executable, "-I", "-S", str(tmp_path / "deploy-certificate")]
    environment = {"RENEWED_LINEAGE": str(tmp_path / "gatehouse-shop"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "gatehouse-shop: certbot obtained the certificate, but nginx does not serve it:" in done.stderr


def test_a_private_authority_is_trusted_besides_the_known_ones(tmp_path, monkeypatch):
    known = tmp_path / "known.crt"
    known.write_text("known\n")
    monkeypatch.setattr(hook, "SYSTEM_ROOTS", known)
    files = hook.environment_files("private\n", {})
    assert files[hook.ROOTS] == "known\nprivate\n"
    assert f"Environment=REQUESTS_CA_BUNDLE={hook.ROOTS}" in files[hook.DROP_IN]
    assert files[hook.PROXY_FILE] is None
    assert hook.environment_files(None, {}) == {hook.ROOTS: None, hook.PROXY_FILE: None, hook.DROP_IN: None}


def test_the_password_of_a_proxy_is_only_in_a_file_of_root(tmp_path, monkeypatch):
    monkeypatch.setattr(hook, "DROP_IN", tmp_path / "certbot.service.d/gatehouse.conf")
    monkeypatch.setattr(hook, "PROXY_FILE", tmp_path / "proxy.env")
    monkeypatch.setattr(hook, "ROOTS", tmp_path / "roots.pem")
    monkeypatch.setattr(hook, "MODES", {hook.PROXY_FILE: 0o600})
    files = hook.environment_files(None, {"https_proxy": "http://bot:s3cret@proxy:3128", "no_proxy": "localhost"})
    hook.write(files, hook.outdated(files))
    assert hook.PROXY_FILE.read_text() == "https_proxy=http://bot:s3cret@proxy:3128\nno_proxy=localhost\n"
    assert hook.PROXY_FILE.stat().st_mode & 0o777 == 0o600
    assert f"EnvironmentFile={hook.PROXY_FILE}" in hook.DROP_IN.read_text()
    assert "s3cret" not in hook.DROP_IN.read_text()
    files = hook.environment_files(None, {})
    hook.write(files, hook.outdated(files))
    assert [*tmp_path.rglob("*.env"), *tmp_path.rglob("*.conf")] == []

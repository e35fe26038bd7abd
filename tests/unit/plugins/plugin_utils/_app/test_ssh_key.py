"""Private keys that ssh cannot use are recognised."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.ssh_key import normalised, problem


def generate(directory, *options):
    path = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-f", path, *options], check=True)
    return path.read_text()


KINDS = [
    ("-t", "ed25519"),
    ("-t", "ecdsa"),
    ("-t", "rsa", "-b", "1024"),
    ("-t", "rsa", "-b", "1024", "-m", "PEM"),
    ("-t", "ecdsa", "-m", "PEM"),
    ("-t", "rsa", "-b", "1024", "-m", "PKCS8"),
]


@pytest.mark.parametrize("options", KINDS, ids=" ".join)
def test_every_kind_of_key(tmp_path, options):
    key = generate(tmp_path, *options, "-N", "")
    for text in (key, key.strip(), key.replace("\n", "\r\n"), f"\n  {key}\n"):
        assert problem(text) == ""
        assert normalised(text) == key


@pytest.mark.parametrize("options", KINDS, ids=" ".join)
def test_an_encrypted_key(tmp_path, options):
    said = problem(generate(tmp_path, *options, "-N", "a passphrase"))
    assert said.startswith("is encrypted. The host cannot ask for a passphrase.")
    assert "ssh-keygen -p -N ''" in said


@pytest.mark.parametrize("options", KINDS, ids=" ".join)
def test_a_damaged_key(tmp_path, options):
    key = generate(tmp_path, *options, "-N", "")
    lines = key.splitlines()
    without_a_line = "\n".join([*lines[:2], *lines[3:]])
    on_one_line = " ".join(lines)
    for text, word in ((without_a_line, "damaged"), (on_one_line, "line breaks"), ("\n".join(lines[:-1]), "whole")):
        assert word in problem(text)
        assert lines[2] not in problem(text)


def test_what_is_no_private_key(tmp_path):
    generate(tmp_path, "-t", "ed25519", "-N", "")
    assert "is a public key" in problem((tmp_path / "key.pub").read_text())
    assert "is not a private key" in problem("/root/.ssh/id_ed25519")
    assert "puttygen" in problem("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")

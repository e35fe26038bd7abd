"""What git prints is explained."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.git_errors import explain


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "source.known_hosts"),
        ("git@example.com: Permission denied (publickey).\nfatal: Could not read", "source.credentials"),
        ('Load key "/tmp/key-0": error in libcrypto\ngit@x: Permission denied (publickey).', "without passphrase"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "https://user:token@"),
        ("fatal: Authentication failed for 'https://x/'", "A token may have expired"),
        ("ssh: Could not resolve hostname x: Name or service not known", "gatehouse_proxy"),
        ("fatal: unable to access 'https://x/': Failed to connect to x port 443", "gatehouse_proxy"),
        ("server certificate verification failed. CAfile: none", "GIT_SSL_CAINFO"),
        ("server certificate verification failed. CAfile: none", "timedatectl"),
        ("fatal: transport 'file' not allowed", "Set submodules in source to false"),
        ("fatal: remote error: upload-pack: not our ref 00", "does not have this commit"),
        ("fatal: repository 'https://x/y.git/' not found", "Many servers deny that a private repository exists"),
    ],
)
def test_each_cause_has_its_remedy(printed, words):
    said = explain(printed)
    assert said.startswith(printed.splitlines()[0])
    assert words in said

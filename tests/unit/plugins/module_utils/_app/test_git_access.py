"""Each repository gets its own credentials, and no other one does."""

from __future__ import annotations

import base64
import os
import stat
import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import git_access

KEYS = {name: f"-----BEGIN KEY-----\n{name}\n-----END KEY-----\n" for name in ("shop", "theme", "group", "scp")}
URLS = {
    "group": "ssh://git@example.com/group/",
    "shop": "ssh://git@example.com/shop.git",
    "theme": "ssh://git@example.com:2222/group/theme",
    "scp": "deploy@example.org:group/scp.git",
}


def access(urls=None, known_hosts="example.com ssh-ed25519 AAAA"):
    urls = URLS if urls is None else urls
    found = [{"url": url, "authorization": "", "deploy_key": KEYS[name]} for name, url in urls.items()]
    return {"credentials": found, "known_hosts": known_hosts}


@pytest.fixture
def programs(tmp_path, builder):
    """A directory with programs that print how they were called."""
    for name, text in {"ssh": 'printf "%s\\n" "$@"', "git": 'printf "%s\\n" "$GIT_SSH_COMMAND"; env'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    builder.environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    return tmp_path


@pytest.fixture
def call(builder, programs):
    """call(access, command): what a shell command prints where git would run."""

    def call(given, command="git", **environment):
        contents = git_access.files(given)
        script = git_access.script(list(contents)) + command
        return builder.run(["sh", "-c", script], env={**git_access.variables(contents), **environment})

    return call


def key_for(call, builder, *arguments):
    words = call(access(), 'sh /tmp/ssh "$@"'.replace('"$@"', " ".join(f'"{word}"' for word in arguments))).splitlines()
    (chosen,) = [word for word in words if word.startswith("IdentityFile=")]
    file = chosen.partition("=")[2]
    assert words[-len(arguments) :] == list(arguments)
    return "" if file == "none" else (builder.temporary / os.path.basename(file)).read_text()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-o", "SendEnv=GIT_PROTOCOL", "git@example.com", "git-upload-pack '/shop.git'"], "shop"),
        (["git@example.com", "git-upload-pack '/shop'"], "shop"),
        (["git@example.com", "git-upload-pack 'shop.git/'"], "shop"),
        (["--", "git@example.com", "git-lfs-authenticate shop.git download"], "shop"),
        (["git@example.com", "git-upload-pack '/group/a/b.git'"], "group"),
        (["-p", "2222", "git@example.com", "git-upload-pack '/group/theme.git'"], "theme"),
        (["git@example.com", "git-upload-pack '/group/theme.git'"], "group"),
        (["deploy@example.org", "git-upload-pack 'group/scp.git'"], "scp"),
        (["git@example.com", "git-upload-pack '/shop-secret.git'"], None),
        (["git@example.com", "git-upload-pack '/group/../other/shop.git'"], None),
        (["git@example.com", "git-upload-pack '/other/shop.git'"], None),
        (["-p", "2222", "git@example.com", "git-upload-pack '/shop.git'"], None),
        (["root@example.com", "git-upload-pack '/shop.git'"], None),
        (["git@evil.example.com", "git-upload-pack '/shop.git'"], None),
        (["git@example.com 22@evil.example.com", "git-upload-pack '/group/x.git'"], None),
        (["git@example.com", "git-upload-pack '/shop.git'; /shop"], None),
    ],
)
def test_ssh_gets_the_key_of_the_repository(call, builder, arguments, name):
    assert key_for(call, builder, *arguments) == (KEYS[name] if name else "")


def test_files_are_private_and_not_in_the_environment_of_git(call, builder):
    out = call(access())
    assert out.splitlines()[0] == f"sh {builder.temporary}/ssh"
    assert "GATEHOUSE" not in out and "BEGIN KEY" not in out
    names = sorted(os.listdir(builder.temporary))
    assert names == ["gitconfig", "key-0", "key-1", "key-2", "key-3", "known_hosts", "ssh"]
    assert {stat.S_IMODE((builder.temporary / name).stat().st_mode) for name in names} == {0o600}


def test_ssh_accepts_the_given_host_keys_only(call, builder):
    words = call(access(), "sh /tmp/ssh git@example.com x").splitlines()
    assert f"UserKnownHostsFile={builder.temporary}/known_hosts" in words
    assert {"StrictHostKeyChecking=yes", "BatchMode=yes", "IdentitiesOnly=yes"} <= set(words)


def test_no_secret_is_in_an_argument():
    given = access() | {"credentials": [*access()["credentials"], token("https://example.com/a.git", "bot:t0ken")]}
    script = git_access.script(list(git_access.files(given)))
    assert not any(word in script for word in ("BEGIN KEY", "t0ken", base64.b64encode(b"bot:t0ken").decode()))


def test_an_ssh_command_of_the_build_environment_stays(call):
    assert call(access({}), GIT_SSH_COMMAND="ssh -J jump").splitlines()[0] == "ssh -J jump"


def token(url, authorization):
    return {"url": url, "authorization": authorization, "deploy_key": ""}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/group/shop.git/info/refs", ["shop:1"]),
        ("https://example.com/group/shop/info/refs", ["shop:1"]),
        ("https://example.com/group/other.git/info/refs", ["group:2"]),
        ("https://example.com/group/shop-secret.git", ["group:2"]),
        ("https://example.com/other/shop.git", []),
        ("http://example.com/group/shop.git", []),
        ("https://example.com:8443/group/shop.git", []),
        ("https://evil.example.com/group/shop.git", []),
    ],
)
def test_a_token_is_sent_to_its_repository_only(tmp_path, url, expected):
    given = [token("https://example.com/group/", "group:2"), token("https://example.com/group/shop.git", "shop:1")]
    (tmp_path / "config").write_text(git_access.files({"credentials": given, "known_hosts": ""})["gitconfig"])
    argv = ["git", "config", "--file", tmp_path / "config", "--get-urlmatch", "http.extraHeader", url]
    out = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    assert [base64.b64decode(line.rpartition(" ")[2]).decode() for line in out.splitlines()] == expected


def test_a_redirection_to_another_server_gets_no_token(tmp_path):
    """git would send it in the second request, which goes to the address of the redirection."""
    given = [token("https://example.com/shop.git", "bot:t0ken")]
    (tmp_path / "config").write_text(git_access.files({"credentials": given, "known_hosts": ""})["gitconfig"])
    argv = ["git", "config", "--file", tmp_path / "config", "--get-urlmatch", "http.followRedirects"]
    for url, expected in {"https://example.com/shop.git": "false\n", "https://example.com/other.git": ""}.items():
        assert subprocess.run([*argv, url], capture_output=True, text=True, check=False).stdout == expected

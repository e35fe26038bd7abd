"""The interpreter of an app: one of the host, or one that uv installs."""

from __future__ import annotations

import io
import json
import platform
import urllib.error

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import interpreter as module
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

DOWNLOADS = {"version": "3.12.16", "uv": "0.13.9", "list": "", "list_url": "", "mirror": "", "shown": ""}
SHA = "0123456789ab" + "0" * 52
ENTRY = {"name": "cpython", "arch": {"family": platform.machine(), "variant": None}, "os": "linux", "libc": "gnu"}
ENTRY |= {"major": 3, "minor": 12, "patch": 4, "prerelease": "", "url": "https://x/a.tar.gz", "sha256": SHA}
LIST = json.dumps({"a": ENTRY})


@pytest.fixture
def choose(monkeypatch, tmp_path):
    """choose(wanted, **downloads): the interpreter on a host with Python 3.13.5."""
    for name in ("python3", "python3.13"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(module, "PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    tools = Tools(lambda _argv, **_options: (0, "3.13.5\n", ""), {})

    def choose(wanted, fetch=None, **downloads):
        found = module.choose(tools, wanted, DOWNLOADS | downloads, fetch)
        return found.version, found.path.removeprefix(f"{tmp_path}/"), found.key

    return choose


def test_an_interpreter_of_the_host_by_its_name_or_version(choose, tmp_path):
    assert choose("python3") == ("3.13.5", "python3", "")
    assert choose(str(tmp_path / "python3")) == ("3.13.5", "python3", "")
    assert choose("3.13") == choose("3.13.5") == ("3.13.5", "python3.13", "")


@pytest.mark.parametrize(("target", "path"), [("python3.13", "python3.13"), ("/elsewhere/python3.13", "python3")])
def test_an_environment_names_the_version_of_the_interpreter(choose, tmp_path, target, path):
    """An upgrade of Debian changes the link python3, and keeps python3.13 until it is removed."""
    (tmp_path / "python3").unlink()
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "python3.13" if target == "python3.13" else tmp_path / "elsewhere/python3.13"
    real.touch(0o755)
    (tmp_path / "python3").symlink_to(target if target == "python3.13" else real)
    assert choose("python3")[1] == path


def test_a_version_that_the_host_lacks(choose):
    assert choose("3.12") == ("3.12.16", "", "3.12.16-uv-0.13.9")
    # Another patch version than the host's.
    assert choose("3.13.9", version="3.13.9") == ("3.13.9", "", "3.13.9-uv-0.13.9")


def test_a_version_that_nothing_has(choose):
    with pytest.raises(ReleaseError, match=r"no Python 3.7, and uv 0.13.9 does not install that version"):
        choose("3.7", version="")


def test_a_name_that_the_host_lacks(choose):
    with pytest.raises(ReleaseError, match=r"the host has no 'python9'. Install it. Without the option"):
        choose("python9")
    with pytest.raises(ReleaseError, match=r"write python: \"3.12\"(.|\n)*Nothing was changed"):
        choose("python3.12")


def test_a_list_replaces_uvs_own(choose):
    assert choose("3.12", list=LIST) == ("3.12.4", "", "3.12.4-0123456789ab")
    with pytest.raises(
        ReleaseError, match=r"python_downloads: 'my list' has no CPython 3.11(.|\n)*Nothing was changed"
    ):
        choose("3.11", list=LIST, shown="my list", version="3.11.9")
    # The interpreter of the host needs no list.
    assert choose("3.13", list=LIST)[1] == "python3.13"


def test_a_list_at_an_address_is_read_in_each_run(choose):
    asked = []

    def fetch(url):
        asked.append(url)
        return io.BytesIO(LIST.replace("0123456789ab", "f" * 12).encode() if len(asked) > 1 else LIST.encode())

    url = "https://example.com/p.json"
    assert choose("3.12", fetch, list_url=url)[2] == "3.12.4-0123456789ab"
    assert choose("3.12", fetch, list_url=url)[2] == "3.12.4-ffffffffffff"
    assert asked == [url, url]


def test_a_list_that_cannot_be_read_is_an_error(choose):
    def fetch(_url):
        raise urllib.error.URLError("no route")

    # uv's own builds do not take its place.
    with pytest.raises(ReleaseError, match=r"the host cannot fetch 'https://example.com/p.json'.*no route"):
        choose("3.12", fetch, list_url="https://u:p@example.com/p.json", shown="https://example.com/p.json")
    with pytest.raises(ReleaseError, match="is not JSON"):
        choose("3.12", lambda _url: io.BytesIO(b""), list_url="https://example.com/p.json")


def test_what_makes_another_release():
    assert module.Interpreter("3.13.5", "/usr/bin/python3").identity == "3.13"
    assert module.Interpreter("3.12.4", key="3.12.4-uv-1").identity == "3.12.4-uv-1"

"""Lists of Python downloads in uv's format."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import python_list

SHA = "Ab" * 32


def entry(minor=12, patch=1, family="x86_64", **changes):
    found = {"name": "cpython", "arch": {"family": family, "variant": None}, "os": "linux", "libc": "gnu", "major": 3}
    found |= {"minor": minor, "patch": patch, "prerelease": "", "url": f"https://x/{patch}.tar.gz", "sha256": SHA}
    return {**found, "variant": None, "build": "20260101", **changes}


def choose(entries, wanted="3.12", machine="x86_64"):
    text = json.dumps({f"key {number}": one for number, one in enumerate(entries)})
    return python_list.newest(python_list.matching(text, wanted), wanted, machine)


def test_the_newest_patch_and_build_of_a_version():
    entries = [entry(patch=9), entry(patch=10, build="20260101"), entry(patch=10, build="20260301"), entry(minor=13)]
    found = choose(entries)
    assert (found["patch"], found["build"], found["sha256"]) == (10, "20260301", SHA.lower())
    assert choose(entries, "3.12.9")["patch"] == 9
    assert choose(entries, "3.13")["minor"] == 13


@pytest.mark.parametrize(
    "other",
    [
        {"name": "pypy"},
        {"os": "darwin"},
        {"libc": "musl"},
        {"variant": "freethreaded"},
        {"prerelease": "rc1"},
        {"arch": {"family": "x86_64", "variant": "v3"}},
        {"arch": {"family": "aarch64", "variant": None}},
    ],
)
def test_other_builds_are_not_used(other):
    assert choose([entry(patch=1), entry(patch=2, **other)])["patch"] == 1
    with pytest.raises(ValueError, match=r"has no CPython 3.12 for Linux on x86_64 with glibc"):
        choose([entry(**other)])


def test_a_version_is_not_the_beginning_of_another():
    assert python_list.matches("3.1", "3.1.0")
    assert not python_list.matches("3.1", "3.12.0")
    assert not python_list.matches("3.12.1", "3.12.10")


@pytest.mark.parametrize("digest", [None, "", "abc", "x" * 64, 5])
def test_a_download_without_a_digest_is_refused(digest):
    with pytest.raises(ValueError, match="has no sha256 for 'key 0': uv would install that download unverified"):
        choose([entry(sha256=digest)])
    # It does not matter for an entry that is not used.
    assert choose([entry(sha256=digest), entry(patch=2)])["patch"] == 2


def test_names_of_processors():
    assert choose([entry(family="armv7")], machine="armv7l")["patch"] == 1
    assert choose([entry(family="aarch64")], machine="aarch64")["patch"] == 1


@pytest.mark.parametrize(
    "text", ["", "no", "[]", '{"a": 1}', '{"version": 2}', json.dumps({"a": {**entry(), "arch": "x"}}), "[" * 100_000]
)
def test_something_else_than_a_list(text):
    with pytest.raises(ValueError, match="is not"):
        python_list.matching(text, "3.12")


def test_the_newest_version_of_uv():
    versions = ["3.12.9", "3.12.10", "3.13.0"]
    assert python_list.of_uv(versions, "3.12") == "3.12.10"
    assert python_list.of_uv(versions, "3.12.9") == "3.12.9"
    assert python_list.of_uv(versions, "3.1") == ""

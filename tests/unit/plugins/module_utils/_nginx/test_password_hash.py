"""Hashes are those of SHA-crypt's specification and of the C library."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.password_hash import (
    hashed,
    is_hash,
    stable_salt,
)


@pytest.mark.parametrize(
    ("password", "salt", "rounds", "expected"),
    [
        (
            "Hello world!",
            "saltstringsaltst",
            10000,
            "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
        ),
        (
            "the minimum number is still observed",
            "roundstoolow",
            1000,
            "kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.",
        ),
    ],
)
def test_vectors_of_the_specification(password, salt, rounds, expected):
    assert hashed(password, salt, rounds) == f"$6$rounds={rounds}${salt}${expected}"


@pytest.mark.parametrize("password", ["x", "käse", "a" * 63, "b" * 64, "c" * 65, "d" * 200])
def test_as_openssl_computes_it(password):
    command = ["openssl", "passwd", "-6", "-salt", "abcdefgh", "-stdin"]
    made = subprocess.run(command, input=password + "\n", text=True, capture_output=True, check=True).stdout.strip()
    assert hashed(password, "abcdefgh", 5000).replace("rounds=5000$", "") == made
    assert is_hash(made)


def test_the_salt_is_stable_and_depends_on_all_names():
    assert stable_salt("shop", "ann") == stable_salt("shop", "ann")
    assert len({stable_salt("shop", "ann"), stable_salt("shop", "bob"), stable_salt("sho", "pann")}) == 3
    assert len(stable_salt("shop")) == 16


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (hashed("x", "abc"), True),
        ("$apr1$abcdefgh$" + "a" * 22, True),
        ("$2y$05$" + "a" * 53, True),
        ("{SSHA}" + "a" * 32, True),
        ("$6$is only the beginning of my password", False),
        ("secret", False),
    ],
)
def test_what_is_a_hash(value, known):
    assert is_hash(value) is known

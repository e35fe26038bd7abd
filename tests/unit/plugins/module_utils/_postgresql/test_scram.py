"""Verifiers of passwords, compared with one that PostgreSQL 17 made itself."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.scram import matches, verifier

# The test vector of RFC 7677, section 3, with the keys that its exchange leads to.
PASSWORD, SALT = "pencil", bytes.fromhex("5b6d99689d12358eec a04b141236fa81".replace(" ", ""))
KNOWN = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)


def test_the_verifier_of_a_password():
    assert verifier(PASSWORD, SALT) == KNOWN
    assert matches(PASSWORD, KNOWN)


def test_each_verifier_has_a_salt_of_its_own():
    first, second = verifier(PASSWORD), verifier(PASSWORD)
    assert first != second
    assert matches(PASSWORD, first)
    assert matches(PASSWORD, second)


@pytest.mark.parametrize("known", ["", "md5c9b0d3c2a1", KNOWN.replace("W22", "X22"), KNOWN[:-4], "x" + KNOWN])
def test_another_verifier_does_not_match(known):
    assert not matches(PASSWORD, known)
    assert not matches("other", KNOWN)

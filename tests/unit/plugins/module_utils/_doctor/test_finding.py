"""Findings can be printed, whatever they quote."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import (
    LONGEST,
    Finding,
    first_of_each,
    guarded,
)


def test_control_characters_are_escaped():
    finding = Finding("shop\udcff", "Output: \x1b[2J\n", "rm a\u202eb")
    assert (finding.site, finding.cause, finding.remedy) == (r"shop\xff", r"Output: \x1b[2J\x0a", r"rm a\u202eb")


def test_the_length_is_limited():
    assert len(Finding("shop", "x" * 1_000_000, "").cause) == LONGEST + 4


def test_an_exception_becomes_a_finding():
    found = Finding("shop", "cause", "remedy")
    assert guarded("shop", "the settings", lambda: [found]) == [found]
    assert guarded("shop", "the settings", lambda: found) == [found]
    assert guarded("shop", "the settings", lambda: None) == []
    (finding,) = guarded("shop", "the settings of app shop", [].pop)
    assert finding.site == "shop"
    assert finding.cause.startswith("The doctor could not examine the settings of app shop: IndexError: ")


def test_one_finding_for_each_remedy_of_a_site():
    first, again, other = Finding("a", "x", "r"), Finding("a", "y", "r"), Finding("b", "x", "r")
    assert first_of_each([first, again, other]) == [first, other]

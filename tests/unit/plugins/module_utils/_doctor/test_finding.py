"""What the doctor says can be printed, whatever it quotes."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import LONGEST, Finding, guarded


def test_what_a_terminal_might_obey_is_only_shown():
    finding = Finding("shop\udcff", "It said: \x1b[2J\n", "rm a\u202eb")
    assert (finding.site, finding.cause, finding.remedy) == (r"shop\xff", r"It said: \x1b[2J\x0a", r"rm a\u202eb")


def test_a_finding_is_no_book():
    assert len(Finding("shop", "x" * 1_000_000, "").cause) == LONGEST + 4


def test_an_app_does_not_end_the_diagnosis_of_the_others():
    found = Finding("shop", "cause", "remedy")
    assert guarded("shop", "the settings", lambda *args, **options: [found], 1, a=2) == [found]
    (finding,) = guarded("shop", "the settings of app shop", [].pop)
    assert finding.site == "shop"
    assert finding.cause.startswith("The doctor could not examine the settings of app shop: IndexError: ")

"""A role beside a hand-made site."""


def test_nothing_of_the_hand_made_site_has_changed(host):
    before, after = (host.file(f"/root/{name}").content_string.splitlines() for name in ("before", "after"))
    assert len(before) > 100
    assert after == before

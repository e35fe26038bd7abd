"""Which apps do not start."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import apps

SHOP, BLOG = "shop-web@1.service", "blog-web@1.service"


def test_one_command_reads_the_state_of_all_apps(release, monkeypatch):
    """Thousands of pages may wait for an answer, and each needs to know whether its app starts."""
    commands, now = [], [1000.0]
    monkeypatch.setattr(apps.time, "monotonic", lambda: now[0])
    home = release.parents[2] / "blog"
    home.mkdir()
    os.symlink("releases/1", home / "current")

    def run(args):
        commands.append(args)
        return 0, f"Id={SHOP}\nActiveState=failed\n\nId={BLOG}\nActiveState=active\n", ""

    failing = apps.FailingApps(run, ["blog", "shop", "not-deployed"])
    assert [failing.names() for _page in range(1000)] == [{"shop"}] * 1000
    assert [args[3:] for args in commands] == [[BLOG, SHOP]]
    now[0] += apps.STATE_SECONDS
    assert (failing.names(), len(commands)) == ({"shop"}, 2)

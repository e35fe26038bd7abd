"""The lines of an app in the journal."""

from __future__ import annotations

import json
import os

from ansible_collections.gatehouse.django.plugins.module_utils._app import journal


def entry(moment, message, **more):
    return json.dumps({"__REALTIME_TIMESTAMP": str(moment), "MESSAGE": message, "_SYSTEMD_UNIT": "shop.service"} | more)


def test_the_last_lines_in_the_order_of_time():
    asked = []

    def run(argv, **limits):
        asked.append((argv, limits))
        entries = [
            entry(4_000_000, "a\nb"),
            entry(3_000_000, [104, 255]),
            entry(2_000_000, "gone", _SYSTEMD_UNIT="init.scope", UNIT="shop-web@x.service"),
        ]
        return 0, "\n".join([*entries, entry(1_000_000, "cut off")[:-9]]), ""

    found = journal.lines("web", ["shop-web@*.service"], 1.5, 10, run)
    assert [(line.time, line.origin, line.text) for line in found] == [
        (2.0, "shop-web@x.service", "gone"),
        (3.0, "shop.service", "h\N{REPLACEMENT CHARACTER}"),
        (4.0, "shop.service", "a"),
        (4.0, "shop.service", "b"),
    ]
    assert {"--reverse", "--since=@1.500000", "--lines=10", "--unit=shop-web@*.service"} <= set(asked[0][0])
    assert [line.text for line in journal.lines("web", ["x"], 1.5, 2, run)] == ["a", "b"]


def test_without_units_nothing_is_read():
    assert journal.lines("workers", [], 0.0, 10, None) == []


def test_the_secrets_of_all_releases(app):
    for name, key in (("new-1", "the-new-key"), ("old-1", "the-old-key")):
        os.makedirs(app.release(name))
        for file in (".complete", ".activated"):
            with open(os.path.join(app.release(name), file), "w", encoding="utf-8"):
                pass
        with open(os.path.join(app.release(name), "env"), "w", encoding="utf-8") as file:
            file.write(f'SECRET_KEY="{key}"\nMODE="open"\n')
    os.symlink("releases/new-1", app.link)
    os.makedirs(f"{app.failed}/newest-1")
    with open(f"{app.failed}/newest-1/env", "w", encoding="utf-8") as file:
        file.write('SECRET_KEY="the-key-of-a-failed-one"\n')
    assert journal.secrets(app) == ["the-key-of-a-failed-one", "the-new-key", "the-old-key"]

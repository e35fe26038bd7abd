"""What an app's process may report in place of its settings."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import reported
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes.django import Directory

NAMES = (*reported.LISTS, *reported.FLAGS, *reported.NUMBERS, *reported.TEXTS)
ANSWER = {"settings": dict.fromkeys(NAMES), "gunicorn": [27, 0], "inventory": ["DEBUG"], "module": "shop.settings"}


def test_the_last_line_is_the_report():
    found = reported.parse("noise\n" + json.dumps(ANSWER) + "\n")
    assert (found.gunicorn, found.inventory, found.module, found.error) == ([27, 0], ["DEBUG"], "shop.settings", "")
    assert reported.parse(json.dumps({"error": "KeyError", "module": "x"})).error == "KeyError"


@pytest.mark.parametrize("output", ["", "\n", "no JSON", "{", '{"settings"'])
def test_no_report(output):
    assert reported.parse(output) is None


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("null", "null in place of"),
        ("[]", "a list in place of"),
        ("7", "a number in place of"),
        ('{"settings": []}', "a list as 'settings'"),
        ('{"settings": {}}', "has not reported SECURE_PROXY_SSL_HEADER, "),
        (json.dumps(ANSWER | {"directories": 7}), "a number as 'directories'"),
    ],
)
def test_what_is_no_report(output, said):
    with pytest.raises(reported.Malformed, match=said):
        reported.parse(output)


@pytest.mark.parametrize("value", [7, "text", [["deep"]], {"a": 1}, 1e400, True, None])
def test_each_setting_has_its_type(value):
    found = reported.parse(json.dumps(ANSWER | {"settings": dict.fromkeys(NAMES, value)})).settings
    texts = [one for name in reported.LISTS for one in found[name]] + [found[name] for name in reported.TEXTS]
    assert all(isinstance(one, str) for one in texts)
    assert all(isinstance(found[name], list) for name in reported.LISTS)
    assert all(isinstance(found[name], bool) for name in reported.FLAGS)
    assert all(
        found[name] is None or (isinstance(found[name], int) and not isinstance(found[name], bool))
        for name in reported.NUMBERS
    )


def test_the_names_that_files_can_have():
    seen = {"real": 7, "files": ["a", "", "\ud800", "a\0b", 7, "\udcff"]}
    found = reported.parse(json.dumps(ANSWER | {"directories": {"STATIC_ROOT": seen, "MEDIA_ROOT": []}}))
    assert found.directories == {"STATIC_ROOT": Directory("", ("a", "\udcff")), "MEDIA_ROOT": Directory()}

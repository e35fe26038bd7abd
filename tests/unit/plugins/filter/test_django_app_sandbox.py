"""The filter is there under its name."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.filter.django_app_sandbox import FilterModule


def test_filter():
    assert FilterModule().filters()["django_app_sandbox"]({"PrivateTmp": True}, {}) == ["PrivateTmp=yes"]

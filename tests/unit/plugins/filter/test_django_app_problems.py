"""The filter is there under its name."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.filter.django_app_problems import FilterModule


def test_filter():
    assert "source" in " ".join(FilterModule().filters()["django_app_problems"]({}, {}, "/"))

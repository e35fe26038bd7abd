"""The filter is there under its name."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.filter.django_app_command import FilterModule


def test_filter():
    assert FilterModule().filters()["django_app_command"]("echo 5%") == '"echo" "5%%"'

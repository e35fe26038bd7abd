"""Settings for the memory of a host, and for the connections of its apps."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.settings import (
    connections_of,
    max_connections,
    memory_of,
    render,
    settings,
)


@pytest.mark.parametrize(
    ("memory", "most", "expected"),
    [
        (512, 200, ["200", "64MB", "256MB", "4MB", "64MB"]),
        (2048, 100, ["100", "256MB", "1024MB", "5MB", "128MB"]),
        (8192, 200, ["200", "1024MB", "4096MB", "10MB", "512MB"]),
        (131072, 600, ["600", "8192MB", "65536MB", "54MB", "1024MB"]),
    ],
)
def test_settings(memory, most, expected):
    names = ("max_connections", "shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem")
    found = settings(memory, most)
    assert [found[name] for name in names] == expected


@pytest.mark.parametrize(
    ("connections", "known", "expected"),
    [
        # A new server.
        (0, 0, 200),
        (180, 0, 200),
        (181, 0, 300),
        # One that suffices is kept, also if it is not of today's steps, or larger than needed.
        (30, 100, 100),
        (80, 100, 100),
        (90, 110, 110),
        (30, 520, 520),
        # It grows in large steps.
        (81, 100, 200),
        (91, 110, 200),
        (300, 200, 400),
        (480, 400, 500),
    ],
)
def test_the_number_of_connections_seldom_changes(connections, known, expected):
    assert max_connections(connections, known) == expected
    assert max_connections(connections, expected) == expected


def test_the_number_in_the_file():
    assert connections_of(render(settings(2048, 110))) == 110
    assert connections_of("# max_connections = 5\n") == connections_of("") == 0


def test_the_kernels_share_of_the_memory_changes_nothing():
    assert memory_of("MemTotal:        2030000 kB\nMemFree: 1 kB\n") == memory_of("MemTotal:    2027000 kB\n") == 1984


def test_the_file():
    text = render({"work_mem": "4MB"})
    assert text.startswith("# Made by Gatehouse")
    assert text.endswith("\nwork_mem = 4MB\n")

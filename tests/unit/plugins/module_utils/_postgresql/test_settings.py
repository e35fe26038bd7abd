"""Settings for the memory of a host."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.settings import memory_of, render, settings


@pytest.mark.parametrize(
    ("memory", "connections", "expected"),
    [
        (512, 30, ["100", "64MB", "256MB", "4MB", "64MB"]),
        (2048, 30, ["100", "256MB", "1024MB", "5MB", "128MB"]),
        (8192, 95, ["120", "1024MB", "4096MB", "17MB", "512MB"]),
        (131072, 500, ["520", "8192MB", "65536MB", "63MB", "1024MB"]),
    ],
)
def test_settings(memory, connections, expected):
    names = ("max_connections", "shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem")
    found = settings(memory, connections)
    assert [found[name] for name in names] == expected


def test_the_kernels_share_of_the_memory_changes_nothing():
    assert memory_of("MemTotal:        2030000 kB\nMemFree: 1 kB\n") == memory_of("MemTotal:    2027000 kB\n") == 1984


def test_the_file():
    text = render({"work_mem": "4MB"})
    assert text.startswith("# Made by Gatehouse")
    assert text.endswith("\nwork_mem = 4MB\n")

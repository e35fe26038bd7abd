"""Which program runs the instances of a host."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import files, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._valkey import host


@pytest.mark.parametrize(
    ("release", "installed", "used", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', [], "", "redis"),
        ('ID=debian\nVERSION_ID="13"\n', [], "", "valkey"),
        ("ID=debian\n", [], "", "valkey"),
        ('ID=debian\nVERSION_ID="13"\n', ["redis"], "", "redis"),
        ('ID=debian\nVERSION_ID="12"\n', ["valkey"], "", "valkey"),
        ('ID=debian\nVERSION_ID="13"\n', ["valkey", "redis"], "", "redis"),
        # The instances stay with their program when the host gets the other one.
        ('ID=debian\nVERSION_ID="13"\n', ["valkey", "redis"], "valkey", "valkey"),
        ('ID=debian\nVERSION_ID="13"\n', ["valkey"], "redis", "redis"),
    ],
)
def test_the_program(machine, monkeypatch, release, installed, used, expected):
    monkeypatch.setattr(host.files, "read", lambda path: release if path == "/etc/os-release" else files.read(path))
    for name in installed:
        machine.install(name)
    if used:
        machine.write(valkey.Engine(used).drop_in("other-cache"), "")
    assert host.choose_engine().name == expected


def test_a_process_without_digest(monkeypatch):
    monkeypatch.setattr(host, "DIGEST", "NOTHING_HAS_THIS")
    assert [host.digest_of(pid) for pid in ("", "0", "1", "x")] == [""] * 4

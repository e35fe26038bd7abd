"""What the tests of hosts rely on: a wait that fails aloud, and tests that are shared out without losing one."""

import importlib
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

HOSTS = ("one", "two", "three")


@pytest.fixture
def helpers(monkeypatch):
    """helpers(name): a module of tests/testinfra/helpers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "testinfra"))
    return lambda name: importlib.import_module(f"helpers.{name}")


def test_eventually_returns_what_it_found(helpers):
    found = iter([0, 0, 3])
    assert helpers("hosts").eventually(lambda: next(found), seconds=5) == 3


def test_eventually_takes_another_condition(helpers):
    found = iter(["activating", "failed"])
    assert helpers("hosts").eventually(lambda: next(found), 5, until=lambda state: state == "failed") == "failed"


def test_eventually_fails_with_what_it_waited_for_and_what_it_found_last(helpers):
    with pytest.raises(AssertionError) as failed:
        helpers("hosts").eventually(lambda: "activating", 0, until=lambda state: state == "failed")
    for word in ("waited 0 s", 'lambda state: state == "failed"', "found last: 'activating'"):
        assert word in str(failed.value)


def collected(*hosts, names=("a", "b", "c", "d"), file="test_x.py"):
    """A session with each of these tests for each of the hosts, and the tests that it deselects."""
    deselected = []

    def note(items):
        deselected.extend(items)

    hook = SimpleNamespace(pytest_deselected=note)
    config = SimpleNamespace(option=SimpleNamespace(hosts=",".join(hosts)), hook=hook)
    items = [
        SimpleNamespace(name=f"test_{name}[podman://{host}]", path=Path(file), config=config)
        for host in hosts
        for name in names
    ]
    return config, items, deselected


def test_each_shared_test_runs_on_one_host_and_each_host_has_some(helpers):
    config, items, deselected = collected(*HOSTS)
    helpers("long").share_out(config, items, "test_x.py")
    assert sorted(item.name[: len("test_a")] for item in items) == ["test_a", "test_b", "test_c", "test_d"]
    assert {helpers("long").host_of(item) for item in items} == set(HOSTS)
    assert len(deselected) == 8


def test_other_files_run_on_every_host(helpers):
    config, items, _deselected = collected(*HOSTS)
    helpers("long").share_out(config, items, "test_y.py")
    assert len(items) == 12


@pytest.mark.parametrize(("long", "hosts"), [(True, HOSTS), (False, ["one"])])
def test_in_the_long_form_and_on_one_host_all_tests_run(helpers, monkeypatch, long, hosts):
    monkeypatch.setattr(helpers("long"), "LONG", long)
    config, items, _deselected = collected(*hosts)
    helpers("long").share_out(config, items, "test_x.py")
    assert len(items) == 4 * len(hosts)


@pytest.fixture
def shell(helpers):
    return helpers("shell").Shell()


def test_a_shell_answers_with_code_and_bytes(shell):
    assert shell.run("printf '\\377'; echo said >&2; exit 3") == (3, b"\xff", b"said\n")
    assert shell.run("kill -9 $$")[0] == 137


def test_a_shell_does_not_wait_for_what_goes_on_in_the_background(shell):
    started = time.monotonic()
    assert shell.run("sleep 30 & echo $!")[0] == 0
    assert time.monotonic() - started < 20


def test_a_shell_is_started_again_after_its_end(shell):
    shell.run("true")
    first = shell.process
    first.kill()
    first.wait()
    assert shell.run("echo again") == (0, b"again\n", b"")

"""The controller half of django_rollback."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action import django_rollback as action


@pytest.fixture
def play(monkeypatch):
    """play(arguments): the result of the task, and the arguments of each call of the module."""
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    calls = []

    def play(**arguments):
        half = action.ActionModule.__new__(action.ActionModule)
        half._connection, half._task = SimpleNamespace(become=None), SimpleNamespace(args=arguments)
        half._execute_module = lambda module_args, task_vars: calls.append(module_args) or {"changed": True}
        return half.run(task_vars={"inventory_hostname": "web1"}), calls

    return play


def test_the_module_learns_who_rolls_back(play):
    result, ((given),) = play(app="shop", release="old-1")
    assert result == {"changed": True}
    assert (given["app"], given["release"]) == ("shop", "old-1")
    assert given["run"]["id"]
    assert "@" in given["run"]["by"]


def test_the_argument_of_the_action_plugin_is_refused(play):
    result, calls = play(app="shop", run={"by": "mallory"})
    assert (result["failed"], calls) == (True, [])

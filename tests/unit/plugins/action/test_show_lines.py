"""Lines for a person: as they are, and in the result for programs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action import show_lines


@pytest.fixture
def run(monkeypatch):
    """run(callback, option=value...): the result, and what was printed."""

    def run(callback="default", **args):
        printed = []
        monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
        monkeypatch.setattr(show_lines.constants, "DEFAULT_STDOUT_CALLBACK", callback)
        monkeypatch.setattr(show_lines, "Display", lambda: SimpleNamespace(display=printed.append))
        action = show_lines.ActionModule.__new__(show_lines.ActionModule)
        action._task = SimpleNamespace(args=args)
        return action.run(), printed

    return run


def test_a_person_gets_the_lines_without_quotes_and_escapes(run):
    result, printed = run(lines=['he said "no"\t1', "caf\u00e9"])
    assert printed == ['he said "no"\t1\ncaf\u00e9']
    assert result == {"changed": False, "msg": ['he said "no"\t1', "caf\u00e9"]}


def test_a_terminal_gets_no_control_characters(run):
    assert run(lines=["\x1b[2Jgone\n"])[1] == ["\\x1b[2Jgone\\x0a"]


def test_another_callback_displays_the_result(run):
    result, printed = run("ansible.posix.json", lines=["a"])
    assert (result["msg"], result["_ansible_verbose_always"], printed) == (["a"], True, [])


@pytest.mark.parametrize("args", [{}, {"lines": "text"}, {"lines": [], "more": 1}])
def test_wrong_options_are_refused(run, args):
    with pytest.raises(AnsibleActionFail, match="show_lines has one option"):
        run(**args)

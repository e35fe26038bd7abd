"""The inventory is checked on the controller, with the message of the filter alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleFilterError
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action.check_inventory import ActionModule, message_of


def failure(text):
    """The error of an expression in which a filter fails with *text*, in a variable of a variable."""
    try:
        try:
            raise AnsibleFilterError(text)
        except AnsibleError as error:
            raise AnsibleError("Error while resolving value") from error
    except AnsibleError as error:
        outer = AnsibleError("A 'when' expression failed")
        outer.orig_exc = error
        return outer


@pytest.fixture
def run(monkeypatch):
    """run(arguments...): check expressions, of which `wrong` fails."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    seen = []

    def template(text):
        seen.append(text)
        if "wrong" in text:
            raise failure("App 'shop': no such group. Nothing was changed.")

    def run(**arguments):
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(args=arguments)
        action._templar = SimpleNamespace(template=template)
        # A connection would raise an AttributeError.
        return action.run()

    run.seen = seen
    return run


def test_expressions_that_can_be_evaluated_change_nothing(run):
    assert run(expressions=["__apps", "__sites"]) == {"changed": False}
    assert run.seen == ["{{ (__apps) | length }}", "{{ (__sites) | length }}"]


def test_the_message_is_that_of_the_filter(run):
    told = run(expressions=["__apps", "wrong"])
    assert told == {"failed": True, "msg": "App 'shop': no such group. Nothing was changed."}


@pytest.mark.parametrize("given", [{}, {"expressions": "__apps"}, {"expressions": [], "more": 1}])
def test_other_options_are_refused(run, given):
    with pytest.raises(AnsibleActionFail, match="has one option"):
        run(**given)


def test_a_message_says_that_nothing_was_changed():
    assert message_of(failure("no such group")) == "no such group. Nothing was changed."
    assert message_of(AnsibleError("did you mean 'web'?")) == "did you mean 'web'? Nothing was changed."

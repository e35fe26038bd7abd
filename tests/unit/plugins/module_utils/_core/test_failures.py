"""Every exception of a module becomes a message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import lock
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures


class Failed(Exception):
    """What fail_json does here instead of ending the process."""


class Module:
    def fail_json(self, msg: str, **answer: Any) -> None:
        raise Failed(json.dumps({"msg": msg, **answer}))


class Refusal(Exception):
    """One that a module foresees."""


def failure(error, **options):
    attempt = Attempt("publishing site 'shop'", **options)
    with pytest.raises(Failed) as failed, explain_failures(Module(), attempt, (Refusal,)):
        raise error
    return json.loads(str(failed.value))


def test_it_says_what_was_attempted_what_happened_and_the_state_of_the_host():
    answer = failure(PermissionError(13, "Permission denied", "/etc/nginx/x"), state="Generation 7 is live.")
    assert answer["msg"] == (
        "Failed while publishing site 'shop': PermissionError: [Errno 13] Permission denied: '/etc/nginx/x'. "
        "Generation 7 is live."
    )
    assert "PermissionError" in answer["exception"]


def test_a_defect_of_the_collection_is_reported_with_its_place():
    attempt = Attempt("publishing site 'shop'")
    with pytest.raises(Failed) as failed, explain_failures(Module(), attempt), lock.locked("../shadow"):
        raise AssertionError("not reached")
    msg = json.loads(str(failed.value))["msg"]
    assert "ValueError: '../shadow' is not the name of a lock." in msg
    assert "This is a defect in gatehouse.django (plugins/module_utils/_core/lock.py, line " in msg
    assert ", in _open): please report it with this message. Nothing was changed." in msg


def test_an_exception_without_a_text_has_its_type():
    assert "publishing site 'shop': MemoryError: no message." in failure(MemoryError())["msg"]


def test_a_refusal_is_its_own_message():
    assert failure(Refusal("Choose another port.")) == {"msg": "Choose another port."}


def test_programs_of_others_cannot_control_a_terminal():
    assert failure(Refusal("one\n\ttwo \x1b]0;x\x07\r"))["msg"] == "one\n\ttwo \\x1b]0;x\\x07\\x0d"


def test_the_state_is_determined_at_the_failure():
    seen = []
    attempt = Attempt("building", state=lambda: f"{seen}")
    with (
        pytest.raises(Failed, match=r"Failed while reloading: KeyError: 'x'.*changed"),
        explain_failures(Module(), attempt),
    ):
        attempt.doing = "reloading"
        seen.append("changed")
        raise KeyError("x")


def test_an_error_while_the_state_is_looked_up_does_not_hide_the_first_one():
    def state():
        raise OSError(5, "Input/output error")

    msg = failure(KeyError("first"), state=state)["msg"]
    assert "KeyError: 'first'" in msg
    assert "The state of the host could not be determined (OSError: [Errno 5] Input/output error)." in msg


def test_secrets_are_concealed():
    answer = failure(KeyError("hunter2"), conceal=lambda text: text.replace("hunter2", "********"))
    assert "hunter2" not in json.dumps(answer)
    assert "hunter2" not in failure(Refusal("hunter2"), conceal=lambda text: text.replace("hunter2", "*"))["msg"]


def test_bytes_that_are_no_text_are_shown():
    assert "b\\xffd" in failure(ValueError("b\udcffd"))["msg"]
    assert "b\\xffd" in failure(Refusal("b\udcffd"))["msg"]


def test_exit_json_is_no_failure():
    with pytest.raises(SystemExit), explain_failures(Module(), Attempt("x")):
        raise SystemExit(0)

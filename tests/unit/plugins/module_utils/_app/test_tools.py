"""The tools of a build and their errors."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, tail


def answering(code=0, out="", err=""):
    calls = []

    def run_command(argv, **options):
        calls.append((argv, options))
        return code, out, err

    return run_command, calls


def test_the_environment_of_a_call_overrides_that_of_the_tools():
    run_command, calls = answering(out="yes")
    assert Tools(run_command, {"A": "1", "B": "1"}).run(["tool"], cwd="/x", env={"B": "2"}) == "yes"
    environment = {"A": "1", "B": "2"}
    assert calls == [(["tool"], {"cwd": "/x", "environ_update": environment, "handle_exceptions": False, "data": None})]


def test_a_command_may_be_given_its_input():
    run_command, calls = answering(code=3, out="yes", err="no")
    assert Tools(run_command, {}).attempt(["tool"], data="token") == (3, "yes", "no")
    assert calls[0][1]["data"] == "token"


def test_a_failure_names_the_command_and_ends_with_its_output():
    run_command, _calls = answering(code=2, out="ignored", err="first\nthe reason\n")
    with pytest.raises(ReleaseError, match=r"'tool --now' failed \(2\):\nfirst\nthe reason$"):
        Tools(run_command, {}).run(["tool", "--now"])


def test_a_long_line_is_shortened():
    assert len(tail(f"one\n{'x' * 1_000_000}")) < 3000


def test_a_phase_names_itself_and_hides_secrets():
    run_command, _calls = answering(code=1, err="no access with s3cr3t")
    tools = Tools(run_command, {}, hidden=["s3cr3t", ""])
    with pytest.raises(ReleaseError) as caught, tools.phase("source"):
        tools.run(["tool"])
    assert str(caught.value).startswith("phase 'source': ")
    assert "s3cr3t" not in str(caught.value)
    assert "no access with ********" in str(caught.value)
    assert list(tools.phases) == ["source"]


def test_an_error_of_the_system_is_one_of_the_phase():
    tools = Tools(answering()[0], {})
    with pytest.raises(ReleaseError, match=r"phase 'files': .*No space left"), tools.phase("files"):
        raise OSError(28, "No space left on device")


def test_tail():
    assert tail("\n".join(map(str, range(100))), 3) == "97\n98\n99"
    assert tail("a\x1b[2J\tb\udcff\n") == "a\\x1b[2J\tb\\udcff"

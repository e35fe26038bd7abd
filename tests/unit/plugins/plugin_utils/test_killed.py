"""The message of a module that was killed on the host."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._killed import OF_NGINX, explain_kill

# What ansible-core 2.21 makes of it.
RESULT = {
    "changed": False,
    "exception": "Module result deserialization failed",
    "failed": True,
    "module_stderr": "Killed\n",
    "module_stdout": "",
    "msg": "Module result deserialization failed: No start of json char found",
    "rc": 137,
}


@pytest.mark.parametrize("code", [137, -9])
def test_a_killed_module_is_explained(code):
    found = explain_kill(RESULT | {"rc": code}, OF_NGINX)
    assert found["failed"]
    assert found["msg"].startswith(
        f"The module was killed on the host before it could answer (SIGKILL, exit code {code}). The kernel does that"
    )
    assert found["msg"].endswith(OF_NGINX)
    assert "exception" not in found


@pytest.mark.parametrize(
    "result", [RESULT | {"rc": 1}, {"failed": True, "msg": "no", "rc": 137}, {"changed": True}], ids=repr
)
def test_other_results_stay(result):
    assert explain_kill(result, OF_NGINX) == result

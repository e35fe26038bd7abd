"""What a rollback of several hosts refuses of `serial`: playbooks/tasks/rollback_fleet.yml."""

import re
from pathlib import Path

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

FIRST = yaml.safe_load((Path(__file__).resolve().parents[2] / "playbooks/tasks/rollback_fleet.yml").read_text())[0]


def rendered(text, serial):
    environment = NativeEnvironment()
    environment.tests["match"] = lambda value, pattern: re.match(pattern, value) is not None
    return environment.from_string(text).render({"__serial": serial})


@pytest.mark.parametrize("serial", [0, -1, "0", "50%", 1.5, 10001, None])
def test_a_number_that_switches_all_hosts_at_once_is_refused(serial):
    assert rendered(f"{{{{ {FIRST['when']} }}}}", serial) is True
    assert f"serial: '{serial}' must be" in str(rendered(FIRST["ansible.builtin.fail"]["msg"], serial))


@pytest.mark.parametrize("serial", [1, "2", 10000])
def test_a_number_of_hosts_is_accepted(serial):
    assert rendered(f"{{{{ {FIRST['when']} }}}}", serial) is False

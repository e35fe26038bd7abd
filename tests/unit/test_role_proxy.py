"""`gatehouse_proxy`, which is set once, reaches everything that downloads."""

from pathlib import Path

import pytest
import yaml
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("django_app", "django_site", "keepalived", "nginx", "postgresql", "valkey")
# For what is installed on the host of an app's service.
OF_ANOTHER_HOST = "{{ hostvars[__django_app_service.host].gatehouse_proxy | default({}) }}"
DOWNLOADS = ("apt_packages", "certbot_certificates", "django_release")


def tasks(role):
    for path in (ROOT / "roles" / role / "tasks").glob("*.yml"):
        yield from yaml.safe_load(path.read_text())


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_it_by_default(role):
    default = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text())[f"{role}_proxy"]
    template = NativeEnvironment(undefined=ChainableUndefined).from_string(default)
    assert template.render(gatehouse_proxy={"url": "http://proxy:3128"}) == {"url": "http://proxy:3128"}
    assert template.render() == {}


@pytest.mark.parametrize("role", ROLES)
def test_every_task_that_downloads_gets_it(role):
    found = [task[name] for task in tasks(role) for name in task if name.rpartition(".")[2] in DOWNLOADS]
    # A call without sites only deletes certificates.
    given = {options.get("proxy") for options in found if options.get("sites") != []}
    assert given - {OF_ANOTHER_HOST} == {f"{{{{ {role}_proxy }}}}"}


def test_no_role_uses_what_would_show_its_password():
    """Ansible writes the environment of a task, the only way to give ansible.builtin.apt a proxy, into a command."""
    wrong = [name for role in ROLES for task in tasks(role) for name in task if name in ("ansible.builtin.apt", "apt")]
    assert wrong == []

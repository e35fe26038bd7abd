"""Sites are checked on the controller, and before the playbook changes a host."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action.check_sites import ActionModule
from ansible_collections.gatehouse.django.plugins.action.nginx_config import ActionModule as NginxConfig

ROOT = Path(__file__).parents[4]
PROXIED = {"path": "/", "proxy_pass": "http://127.0.0.1:8000"}
FILES = {"path": "/static/", "alias": "/srv/shop/static/"}


@pytest.fixture
def run(monkeypatch):
    """run(location..., option=value...): check a site with these locations and options."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})

    def run(*locations, **options):
        site = {"name": "shop", "server_name": ["shop.test"], "locations": [PROXIED, *locations], **options}
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(args={"sites": [site]})
        action._find_needle = lambda _directory, name: str(name)
        action._loader = DataLoader()
        # A connection, or a module, would raise an AttributeError.
        return action.run()

    return run


def test_right_sites_change_nothing(run):
    assert run(FILES) == {"changed": False, "listen": ["80", "[::]:80"]}


@pytest.mark.parametrize(
    ("options", "listen"),
    [
        ({"listen": ["8080", "[::0]:8080"]}, ["8080", "[::]:8080"]),
        ({"tls": "self_signed"}, ["80", "[::]:80", "443", "[::]:443"]),
        (
            {"tls": "self_signed", "tls_listen": ["192.0.2.1:8443"], "http3": True},
            ["80", "[::]:80", "192.0.2.1:8443", "192.0.2.1:8443/udp"],
        ),
    ],
    ids=str,
)
def test_returns_the_addresses_of_the_sites(run, options, listen):
    assert run(**options)["listen"] == listen


def test_a_site_that_is_removed_needs_no_address(run):
    assert run(state="absent", locations=[])["listen"] == []


@pytest.mark.parametrize(
    ("locations", "options", "words"),
    [
        ([{**FILES, "rate": "1r/s"}], {}, "'rate' has no effect"),
        ([], {"basic_auth": {"auditor": ""}}, "the password of user 'auditor' is empty"),
        ([], {"behind": {"addresses": ["lb.example.com"]}}, "addresses: 'lb.example.com' is not"),
        ([], {"pages": "/no/such/directory"}, "pages '/no/such/directory' is not a directory on the controller"),
        ([], {"tls": "files", "tls_certificate": "/no/such.pem", "tls_key": "/no.pem"}, "cannot be read"),
        ([], {"client_max_body": "1m"}, "did you mean 'client_max_body_size'?"),
    ],
)
def test_mistakes_are_refused_with_a_full_sentence(run, locations, options, words):
    with pytest.raises(AnsibleActionFail) as refusal:
        run(*locations, **options)
    assert refusal.value.__cause__ is None
    message = str(refusal.value)
    assert words in message
    assert message.endswith(("? Nothing was changed.", ". Nothing was changed."))
    assert message.count("Nothing was changed.") == 1


def test_only_the_sites_can_be_given(monkeypatch):
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(args={"sites": [], "purge": True})
    with pytest.raises(AnsibleActionFail, match="check_sites has one option"):
        action.run()


def test_the_playbook_checks_sites_and_apps_before_it_includes_another_role():
    [play] = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    assert play["tasks"][-1]["ansible.builtin.import_tasks"] == "tasks/run_apps.yml"
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/run_apps.yml").read_text())
    roles = [task["ansible.builtin.include_role"] for task in tasks if "ansible.builtin.include_role" in task]
    files = [(role["name"].rpartition(".")[2], role.get("tasks_from", "main")) for role in roles]
    # The hosts that balancers ask have their sites first, those that have left an app last.
    apps, sites = 2 * [("django_app", "main")], 3 * [("django_site", "main")]
    # A balancer that joins others gets the address when it has its sites.
    addresses = ("keepalived", "main")
    last = [("django_site", "expect"), addresses, ("django_app", "main")]
    checks = [("django_site", "check"), *2 * [("django_app", "options")]]
    assert files == [*checks, ("nginx", "main"), addresses, *apps, *sites, *last]
    check = yaml.safe_load((ROOT / "roles/django_site/tasks/check.yml").read_text())
    names = [name for task in check for name in task if "." in name]
    assert names[-3:] == ["ansible.builtin.import_tasks", "gatehouse.django.nginx_info", "ansible.builtin.fail"]


def test_nginx_config_tells_a_refusal_once():
    """ansible-core would add the sentences of the causes."""
    site = {"name": "shop", "server_name": ["a.test"], "locations": [PROXIED], "behind": {"addresses": ["lb.test"]}}
    with pytest.raises(AnsibleActionFail) as refusal:
        NginxConfig._checked({"sites": [site]})
    assert refusal.value.__cause__ is None

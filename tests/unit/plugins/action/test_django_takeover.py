"""The controller's half of django_takeover: refusals, and what it passes on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.gatehouse.django.plugins.action.django_takeover import ActionModule

SITE = {
    **{"name": "shop", "server_name": ["shop.test"], "redirect_from": ["www.shop.test"], "tls": "acme"},
    "locations": [{"path": "/", "proxy_pass": "http://unix:/srv/shop/current/web.sock"}],
}


@pytest.fixture
def run(monkeypatch):
    """run(option=value...): the arguments of each call of the module, which answers with *answer* each time."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})

    def run(answer=None, **args):
        calls = []
        action = ActionModule.__new__(ActionModule)
        action._task = SimpleNamespace(args={"app": "shop", "confirm": "shop", "sites": [SITE], **args})
        action._execute_module = lambda module_args, task_vars: (
            calls.append(module_args) or (answer or {"changed": False})
        )
        action.run()
        return calls

    return run


@pytest.mark.parametrize("confirm", ["", "other"])
def test_the_name_is_wanted_twice(run, confirm):
    with pytest.raises(AnsibleActionFail, match=r"Confirm it with -e confirm=shop\. Nothing was changed\."):
        run(confirm=confirm, state="copied")


def test_an_app_without_a_site_is_refused(run):
    with pytest.raises(AnsibleActionFail, match="django_sites has no site with app: shop"):
        run(sites=[], state="copied")


@pytest.mark.parametrize("state", ["copied", "finished"])
def test_the_names_of_the_sites_are_passed_on(run, state):
    (call,) = run(state=state)
    assert call == {
        **{"app": "shop", "confirm": "shop", "state": state},
        **{"names": ["shop.test", "www.shop.test"], "site_names": ["shop"]},
    }


def test_without_a_site_to_take_over_nothing_is_rendered(run):
    (call,) = run(state="switched")
    assert call["acme_sites"] == ["shop"]
    assert call["run"]["by"]
    assert call["names"] == ["shop.test", "www.shop.test"]
    assert "rendered" not in call


def test_bad_sites_are_refused_before_any_connection(run):
    with pytest.raises(AnsibleActionFail, match="server_nam"):
        run(sites=[{**SITE, "server_nam": []}], state="copied")

"""The module django_logs: a host without the app."""

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.modules import django_logs as module


@pytest.fixture
def asked(monkeypatch):
    """A function that finds an app as on a host that has one, and passes requests to another one."""
    monkeypatch.setattr(module, "installed", lambda: ["own"])
    monkeypatch.setattr(module, "all_sites", lambda _module: [SimpleNamespace(app="shop")])

    def asked(name, *, balancer):
        return module.find_app(SimpleNamespace(params={"app": name, "balancer": balancer}))

    return asked


def test_a_balancer_that_is_not_deployed_yet_has_no_logs(asked):
    assert [asked(name, balancer=True).name for name in ("own", "shop")] == ["own", "shop"]
    assert asked("wiki", balancer=True) is None


def test_an_app_that_the_host_does_not_have_is_refused(asked):
    with pytest.raises(ReleaseError, match="wiki"):
        asked("wiki", balancer=False)

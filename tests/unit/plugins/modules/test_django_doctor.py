"""The module django_doctor: which hosts it takes for hosts of services."""

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.modules import django_doctor as module


@pytest.mark.parametrize(("apps", "finding"), [([], "services"), (["shop"], "nginx")])
def test_a_balancer_without_nginx_is_no_host_of_services(monkeypatch, apps, finding):
    monkeypatch.setattr(module, "nginx_facts", lambda _module: ({"installed": False}, None))
    monkeypatch.setattr(module, "installed", list)
    monkeypatch.setattr(module.engine, "check_services_host", lambda _run: ["services"])
    monkeypatch.setattr(module, "check_nginx", lambda *_arguments: "nginx")
    monkeypatch.setattr(module, "result_of", list)
    given = SimpleNamespace(params={"apps": apps}, run_command=None)
    assert module.examine(given, None) == [finding]

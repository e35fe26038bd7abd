"""The services of an app that has several hosts."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.remote_urls import check_services


@pytest.mark.parametrize(("kind", "engine"), [("database", "postgresql"), ("broker", "valkey")])
def test_the_remedy_for_a_service_of_each_host_can_be_typed(kind, engine):
    remedy = f"{kind}: {{engine: {engine}, host: db1.example.com}}."
    for given in (engine, {"engine": engine}):
        with pytest.raises(ValueError, match="Refused, nothing was changed") as raised:
            check_services({"app": "shop", kind: given})
        assert str(raised.value).endswith(remedy)
    check_services({"app": "shop", kind: {"engine": engine, "host": "db1"}})

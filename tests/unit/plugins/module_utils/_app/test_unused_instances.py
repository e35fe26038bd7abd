"""The instances that an app does not use any more."""

from ansible_collections.gatehouse.django.plugins.module_utils._app.unused_instances import unused_instances
from ansible_collections.gatehouse.django.plugins.module_utils._core import valkey

CACHE = {"name": "shop-cache", "kind": "cache", "state": "absent"}
BROKER = {"name": "shop-broker", "kind": "broker", "state": "stopped"}


def test_a_cache_goes_and_a_broker_stops(app, tmp_path, monkeypatch):
    monkeypatch.setattr(valkey, "VALKEY_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(valkey, "UNIT_DIRECTORY", str(tmp_path))
    assert unused_instances(app, ()) == []
    for name in ("shop-cache", "shop-broker"):
        (tmp_path / f"{name}.conf").touch()
        (tmp_path / f"redis-server@{name}.service.d").mkdir()
        (tmp_path / f"redis-server@{name}.service.d" / "gatehouse.conf").touch()
    assert unused_instances(app, ("cache", "broker")) == []
    assert unused_instances(app, ("broker",)) == [CACHE]
    assert unused_instances(app, ()) == [BROKER, CACHE]
    assert unused_instances(app, (), data=True) == [{**BROKER, "state": "absent"}, CACHE]
    (tmp_path / "redis-server@shop-broker.service.d" / "gatehouse.conf").unlink()
    # It was stopped before: only its data can still go.
    assert unused_instances(app, ()) == [CACHE]
    assert unused_instances(app, (), data=True) == [{**BROKER, "state": "absent"}, CACHE]
    # An app of the same name on another host uses it.
    (tmp_path / "shop-cache.conf").write_text("tls-port 16379\n")
    assert unused_instances(app, ()) == []

"""What to do about a broker that does not answer."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers import broker

STATE = "Id=valkey-server.service\nLoadState=loaded\nActiveState={0}\nSubState={1}\nUnitFileState={2}\nNRestarts=0\n"
NO_REDIS = "\nId=redis-server.service\nLoadState=not-found\nActiveState=inactive\n"
SHOW = "systemctl show valkey-server.service redis-server.service"
CORRECT = "Start that broker, or correct its address in the app's settings."


@pytest.mark.parametrize(
    ("url", "state", "remedy"),
    [
        ("redis://:x@127.0.0.1:6379/0", ("inactive", "dead", "enabled"), "`systemctl start valkey-server.service`"),
        ("rediss://192.0.2.1", ("inactive", "dead", "disabled"), "`systemctl enable --now valkey-server.service`"),
        ("redis+socket:///run/valkey.sock", ("failed", "failed", "enabled"), "Read `journalctl -n 50 -u valkey-server"),
        ("redis://localhost", ("active", "running", "enabled"), CORRECT),
        ("redis://broker.example.com", ("inactive", "dead", "enabled"), CORRECT),
        ("http://[", ("inactive", "dead", "enabled"), CORRECT),
        ("; reboot", ("inactive", "dead", "enabled"), CORRECT),
    ],
)
def test_the_remedy(doctor_host, url, state, remedy):
    host = doctor_host("", (SHOW, STATE.format(*state) + NO_REDIS))
    assert broker.remedy(host, url, "shop-w.service").startswith(remedy)


def test_the_broker_of_the_app_itself(doctor_host):
    states = [STATE.format("inactive", "dead", "enabled"), NO_REDIS.lstrip()]
    found = "\n".join(states).replace("-server", "-server@shop-broker")
    host = doctor_host("", ("systemctl show valkey-server@shop-broker.service redis-server@shop-broker.service", found))
    remedy = broker.remedy(host, "redis+socket:///run/valkey-shop-broker/valkey.sock", "shop-w.service")
    assert remedy == "`systemctl start valkey-server@shop-broker.service`"


def test_two_services_could_be_meant(doctor_host):
    other = STATE.format("inactive", "dead", "enabled").replace("valkey", "redis")
    host = doctor_host("", (SHOW, f"{STATE.format('inactive', 'dead', 'enabled')}\n{other}"))
    assert broker.remedy(host, "redis://localhost", "shop-w.service").startswith(CORRECT)

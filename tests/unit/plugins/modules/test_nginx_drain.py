"""When a balancer may use a host again."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused
from ansible_collections.gatehouse.django.plugins.modules import nginx_drain

SERVER = "10.0.0.11:443"
TRUSTED = f"# {SERVER}\n-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("files", "refusal", "is_ready"),
    [
        ({}, "no certificate", True),
        ({"authorities/shop.web.crt": TRUSTED}, "", True),
        ({"authorities/shop.web.crt": TRUSTED}, "its certificate is none that this host believes", False),
    ],
    ids=["plain HTTP", "believed", "not believed"],
)
def test_a_host_has_to_prove_itself_where_the_balancer_uses_tls(monkeypatch, files, refusal, is_ready):
    monkeypatch.setattr(nginx_drain, "accepts", lambda _server: True)
    monkeypatch.setattr(nginx_drain, "refusal", lambda _server, _files: refusal)
    monkeypatch.setattr(nginx_drain, "BOOT_SECONDS", 0)
    if is_ready:
        assert nginx_drain.refuse_dead([SERVER], Generation(1, files)) is None
    else:
        with pytest.raises(Refused, match=r"10\.0\.0\.11:443 accepts no connection .* so it stays drained"):
            nginx_drain.refuse_dead([SERVER], Generation(1, files))

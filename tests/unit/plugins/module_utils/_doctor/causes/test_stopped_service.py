"""A service of an operator that is stopped or fails."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import stopped_service
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service


@pytest.mark.parametrize(
    ("active", "sockets", "remedy"),
    [
        ("inactive", (), "`systemctl start hand.service`"),
        ("failed", (), "Read `journalctl -n 50 -u hand.service`"),
        ("active", (), None),
        # A connection starts it.
        ("inactive", ("hand.socket",), None),
    ],
)
def test_the_state_of_the_unit(visit_to, monkeypatch, active, sockets, remedy):
    monkeypatch.setattr(evidence, "service_of", lambda visit: Service("hand.service", sockets=sockets))
    outputs = [("systemctl show hand.service", f"ActiveState={active}\n"), ("journalctl", "SyntaxError: x\n")]
    text = "location / { proxy_pass http://127.0.0.1:1; }"
    finding = stopped_service.explain(visit_to(text, ("http://shop.test/", Answer(502)), outputs=outputs))
    assert (finding is not None) == (remedy is not None)
    if finding:
        assert finding.remedy.startswith(remedy)
        assert ("Its journal says: SyntaxError: x" in finding.cause) == (active == "failed")

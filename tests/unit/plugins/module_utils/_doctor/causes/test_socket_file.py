"""The socket of an app was removed."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import socket_file
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"


def test_a_socket_that_was_removed(visit_to, release):
    visit = visit_to(APP, ("http://shop.test/", Answer(502)))
    assert socket_file.explain(visit) is None
    (release / "web.sock").unlink()
    finding = socket_file.explain(visit)
    assert f"The socket {release}/web.sock of shop was removed" in finding.cause
    assert finding.remedy == "`systemctl restart shop-web`"
    assert socket_file.explain(visit_to(APP, ("http://shop.test/", Answer(500)))) is None

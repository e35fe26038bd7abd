"""An application that takes the connection and then fails."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import upstream_failure

APP = "location / { proxy_pass http://127.0.0.1:1; }"


def test_what_nginx_logs(failed_visit):
    visit = failed_visit(APP, "upstream said nonsense", "of another client, client: 192.0.2.8")
    finding = upstream_failure.explain(visit)
    assert "takes the connection and then fails: nginx's error log says: upstream said nonsense." in finding.cause
    assert finding.remedy == "Read the application's own log."


def test_no_entry(failed_visit):
    finding = upstream_failure.explain(failed_visit(APP))
    assert finding.cause.endswith("fails: nginx's error log does not mention it.")

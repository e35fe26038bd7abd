"""An app that no site of the host passes requests to."""

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.passed_on import check_passed_on

SITES = """
server { listen 80; server_name own.test; location / { proxy_pass http://unix:/srv/own/current/web.sock; } }
server {
    listen 80; server_name shop.test;
    location / { proxy_pass http://shop; root /var/lib/gatehouse/expected/shop; }
}
"""


def test_an_app_without_a_site_is_a_finding(doctor_host):
    host = doctor_host(SITES)
    (found,) = check_passed_on(host, ["own", "shop", "wiki", "installed"], ["installed"])
    assert found.cause == "No site of this host passes requests to wiki, and wiki is not on this host."
    assert found.remedy == "`ansible-playbook gatehouse.django.site -e app=wiki`"
    assert check_passed_on(host, [], []) == []
    assert len(check_passed_on(doctor_host(), ["shop"], [])) == 1

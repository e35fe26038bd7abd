"""Two balancers with one name: each has a certificate of its own, whichever of them the authority asks."""

import json
import re
from functools import partial

import plays
import pytest
from helpers.hosts import eventually
from helpers.play import REPOSITORY
from helpers.tls import certificate, get, trusting
from plays import BALANCERS, SECOND, SHARED
from visits import NAME, ip_address

pytestmark = pytest.mark.long
AUTHORITY = REPOSITORY / "tests/testinfra/fleet/authority.yml"
FILES = REPOSITORY / ".artifacts/fleet"
CONFIGURATION = "/etc/letsencrypt/renewal/gatehouse-guestbook.conf"
LIMITS = ("--limit=balancers:web", "--tags=sites,certificates")
site = partial(plays.succeeded, "gatehouse.django.site", *LIMITS, second=SECOND)


@pytest.fixture(scope="module")
def issued(balancers, database_host):
    """Publish the site with certificates of the authority; afterwards it is as in the scenario."""
    plays.succeeded(str(AUTHORITY), second=SECOND, lab_address=SHARED, lab_files=str(FILES))
    acme = {
        "directory_url": "https://acme.example.test:14000/dir",
        "authority": (FILES / "root.pem").read_text(),
        "email": "operator@example.test",
    }
    options = {"django_sites": plays.sites(tls="acme"), "django_site_acme": acme}
    site(**options)
    yield options
    site()
    database_host.check_output("systemctl stop pebble pebble-eab challenges")


@pytest.fixture
def asked(request, balancers, database_host):
    """The authority asks that balancer alone."""

    def resolve(address):
        answer = json.dumps({"ip": address})
        database_host.check_output("curl -fsS -d %s http://127.0.0.1:8055/set-default-ipv4", answer)

    resolve(ip_address(balancers[request.param]))
    yield request.param
    resolve(SHARED)


def served(balancers):
    return {name: certificate(ip_address(host), NAME) for name, host in balancers.items()}


def renew(host):
    """As the timer does it."""
    host.check_output(f"sed -i '1i renew_before_expiry = 9999 days' {CONFIGURATION}")
    try:
        # The authority rejects one nonce in twenty, and certbot tries only twice; its timer starts it again.
        eventually(lambda: host.run("systemctl start certbot.service").rc == 0, 60)
    finally:
        host.check_output(f"sed -i '/^renew_before_expiry/d' {CONFIGURATION}")


def test_each_balancer_has_a_certificate_of_the_authority(balancers, database_host, issued):
    root = database_host.check_output("curl --silent --insecure https://localhost:15000/roots/0")
    for host in balancers.values():
        assert get(ip_address(host), NAME, "/whoami", trusting(root)).status == 200
    assert len(set(served(balancers).values())) == len(BALANCERS)


@pytest.mark.parametrize("asked", BALANCERS, indirect=True)
def test_both_renew_whichever_is_asked(balancers, issued, asked):
    before = served(balancers)
    for host in balancers.values():
        renew(host)
    after = served(balancers)
    assert all(after[name] != before[name] for name in BALANCERS)


def test_a_second_run_changes_nothing(issued):
    assert not re.search("changed=[1-9]", site(**issued))

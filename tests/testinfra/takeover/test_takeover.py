"""The takeover under load, and what is there afterwards."""

import json
import time

import pytest
from helpers.handmade import FILE, MEDIA, NAME, OLD_RELEASE, RECORD, UNITS, active, show_evidence
from helpers.hosts import eventually, release_of
from helpers.load import load, lost
from helpers.module import call
from helpers.play import Play
from helpers.tls import certificate

RENEW = (
    "REQUESTS_CA_BUNDLE=/var/lib/gatehouse/authorities.pem certbot renew --quiet --force-renewal "
    "--no-random-sleep-on-renew"
)


@pytest.fixture(scope="module")
def taken(host, address):
    """The takeover: how its play ended, what visitors saw, and the uploads of the hand-made site before and after."""
    look = RECORD.format(f"{MEDIA}/photos")
    before = host.check_output(look)
    with load(address, NAME, ["get once", "write", "slow"], tls=True) as seen:
        eventually(lambda: len(seen.acknowledged) > 5)
        played = Play("gatehouse.django.takeover", host, app="shop", confirm="shop").finish()
        time.sleep(1)
    show_evidence(host, seen, played)
    assert played.code == 0, played.output
    return seen, before, host.check_output(look)


def test_no_request_fails_and_nothing_that_was_written_is_lost(host, address, taken):
    seen, _before, _after = taken
    assert seen.failures == []
    assert seen.releases[0] == OLD_RELEASE
    assert seen.releases[-1] == release_of(host, "shop")
    assert lost(address, NAME, seen.acknowledged, tls=True) == []


def test_nothing_of_the_old_data_is_gone(host, taken):
    _seen, before, after = taken
    assert "upload.txt" in before
    assert after == before
    assert host.file("/home/deploy/project/data/steady.sqlite3").size > 0


def test_uploads_are_served(host, taken):
    assert host.check_output("curl --silent --insecure --fail https://%s/media/photos/upload.txt", NAME) == "an upload"


def test_the_old_units_are_gone_and_the_apps_run(host, taken):
    assert active(host) == [False, False, False]
    assert host.run(f"systemctl is-enabled {' '.join(UNITS)}").stdout.split() == ["disabled"] * 3
    assert host.run("systemctl list-units --failed --plain --no-legend '*gunicorn*' '*takeover*'").stdout == ""
    assert not host.file("/run/systemd/system/gunicorn.service.d/zz-gatehouse-takeover.conf").exists
    assert host.service("shop-worker.service").is_running
    # The operator's files are kept.
    for path in ("/etc/systemd/system/gunicorn.service", FILE, "/etc/nginx/gatehouse/replaced/shop/project"):
        assert host.file(path).exists


def test_the_certificate_and_its_renewal_are_gatehouses(host, address, taken):
    renewals = host.check_output("ls /etc/letsencrypt/renewal").split()
    assert renewals == ["gatehouse-shop.conf", f"{NAME}.conf.before-gatehouse"]
    before = certificate(address, NAME)
    # The authority rejects one nonce in twenty, and certbot tries only twice.
    eventually(lambda: host.run(RENEW).rc == 0, 60)
    # It fails if the certificate stays the same.
    eventually(lambda: certificate(address, NAME), until=lambda found: found != before)
    # The old certificate stays where it was.
    assert host.file(f"/etc/letsencrypt/live/{NAME}/fullchain.pem").exists


def test_the_history_has_the_takeover(host, taken):
    (app,) = call(host, "django_status", app="shop", deployments=100)["apps"]
    done = [one for one in app["deployments"] if (one["action"], one["result"]) == ("takeover", "ok")]
    assert [(one["before"], one["by"] != "", one["release"] != "") for one in done] == [
        ("gunicorn.service", True, True)
    ]


def test_a_second_run_changes_nothing(host, taken, takeover):
    played = takeover()
    assert played.code == 0, played.output
    assert "changed=0" in played.output.rpartition("PLAY RECAP")[2]
    record = json.loads(host.file("/var/lib/gatehouse/takeover/shop.json").content_string)
    assert record["units"] == ["worker.service", "gunicorn.socket", "gunicorn.service"]

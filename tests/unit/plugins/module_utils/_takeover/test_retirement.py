"""What is left of a hand-made site."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._takeover import retirement
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.retirement import Record


@pytest.fixture
def record(tmp_path, monkeypatch):
    """The record of a site whose certificate certbot renews; Gatehouse has one for the site `shop`."""
    monkeypatch.setattr(retirement, "STATE", tmp_path / "state")
    monkeypatch.setattr(retirement, "CONFIGURATION", str(tmp_path / "etc"))
    monkeypatch.setattr(retirement.certbot, "CONFIG_DIR", tmp_path)
    for name in ("renewal", "live/gatehouse-shop", "live/hand.test", "etc"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "renewal" / "hand.test.conf").touch()
    (tmp_path / "live" / "gatehouse-shop" / "fullchain.pem").touch()
    drop_in = tmp_path / "drop-in.conf"
    drop_in.touch()
    site = str(tmp_path / "etc" / "project")
    certificate = str(tmp_path / "live" / "hand.test" / "fullchain.pem")
    return Record(["hand.test"], ["x.socket", "x.service"], {site: f"{site}.replaced"}, certificate, str(drop_in))


@pytest.fixture
def run():
    """A host on which the units are active until they are stopped; it finds nothing in /etc."""

    class Run:
        active, found = True, ""

        def __init__(self):
            self.commands = []

        def __call__(self, args, **_options):
            self.commands.append(" ".join(args))
            if args[:2] == ["systemctl", "stop"]:
                Run.active = self.active = False
            if "is-active" in args:
                return (0 if self.active else 3), "", ""
            return 0, self.found if args[0] == "grep" else "", ""

    return Run()


def test_a_record_is_kept(record):
    assert retirement.read("shop") is None
    retirement.write("shop", record)
    assert retirement.read("shop") == record


def test_units_and_renewal_end_once(record, run, tmp_path):
    assert retirement.due(run, record, ["shop"]) == [
        *("stop x.socket", "stop x.service", "end certbot's renewal of hand.test")
    ]
    assert retirement.finish(run, record, ["shop"]) == []
    assert "systemctl disable x.socket x.service" in run.commands
    assert "systemctl stop x.socket x.service" in run.commands
    assert [path.name for path in (tmp_path / "renewal").iterdir()] == ["hand.test.conf.before-gatehouse"]
    assert not (tmp_path / "drop-in.conf").exists()
    assert retirement.due(run, record, ["shop"]) == []


def test_the_renewal_stays_until_each_site_has_a_certificate(record, run, tmp_path):
    assert "end certbot's renewal of hand.test" not in retirement.due(run, record, ["shop", "blog"])
    retirement.finish(run, record, ["shop", "blog"])
    assert (tmp_path / "renewal" / "hand.test.conf").exists()


def test_the_renewal_ends_where_the_site_has_the_operators_certificate(record, run):
    assert "end certbot's renewal of hand.test" in retirement.due(run, record, [])


def test_the_renewal_stays_while_another_program_uses_the_certificate(record, run, tmp_path):
    run.found = f"{tmp_path}/etc/project\n{tmp_path}/etc/postfix/main.cf\n"
    (warning,) = retirement.finish(run, record, ["shop"])
    assert f"because {tmp_path}/etc/postfix/main.cf uses it" in warning
    assert (
        "certbot certonly --cert-name hand.test --webroot --webroot-path /var/lib/gatehouse/acme -d hand.test"
        in warning
    )
    assert (tmp_path / "renewal" / "hand.test.conf").exists()


@pytest.mark.parametrize("path", ["/etc/ssl/hand.pem", "", "/elsewhere/live/hand.test/fullchain.pem"])
def test_a_certificate_that_certbot_does_not_renew(record, path):
    assert retirement.lineage_of(path) is None

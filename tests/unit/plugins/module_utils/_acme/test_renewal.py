"""A certificate from certbot is installed through the transaction if the live configuration uses it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._acme import renewal
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation


@pytest.fixture
def lineage(tmp_path):
    directory = tmp_path / "live/gatehouse-shop"
    directory.mkdir(parents=True)
    (directory / "privkey.pem").write_text("key\n")
    (directory / "fullchain.pem").write_text("chain\n")
    return directory


@pytest.fixture
def conf_dir(monkeypatch, tmp_path):
    """A host whose live generation has a site for each of two words."""
    host = {"conf_dir": str(tmp_path), "conf_path": str(tmp_path / "nginx.conf")}
    (tmp_path / "nginx.conf").write_text(f"http {{ include {tmp_path}/conf.d/*.conf; }}")
    sites = {name: {"tls": {"mode": mode}} for name, mode in (("shop", "acme"), ("blog", "files"))}
    generation.build(str(tmp_path), 4, {"state.json": json.dumps({"owns_nginx_conf": False, "sites": sites})})
    generation.link(str(tmp_path)).symlink_to("generations/4")
    monkeypatch.setattr(renewal, "describe", lambda run, binary: host)
    return str(tmp_path)


@pytest.fixture
def applied(monkeypatch):
    """The plans that were applied."""
    plans = []
    monkeypatch.setattr(renewal, "apply", lambda run, host, wanted, check_mode: plans.append(wanted))
    return plans


def nothing(args, *, data=None, binary_data=False):
    return 1, "", ""


def test_key_and_chain_become_the_sites_one_file_and_no_generation(conf_dir, lineage, applied):
    assert renewal.install(nothing, lineage)
    (plan,) = applied
    assert plan.after.certificates == {f"{conf_dir}/gatehouse/certificates/shop.pem": "key\nchain\n"}
    assert plan.before.certificates == {f"{conf_dir}/gatehouse/certificates/shop.pem": None}
    assert (plan.changed, plan.after.generation.number) == (True, 4)


def test_a_site_with_another_certificate_is_not_changed(conf_dir, lineage, applied):
    for name in ("blog", "gone"):
        other = lineage.with_name(f"gatehouse-{name}")
        if not other.exists():
            lineage.rename(other)
            lineage = other
        assert not renewal.install(nothing, other)
    assert applied == []


def test_an_installed_certificate_is_recognised(conf_dir, lineage):
    path = renewal.certificates.path(conf_dir, "shop")
    assert not renewal.is_installed(conf_dir, lineage)
    path.parent.mkdir()
    path.write_text("key\nchain\n")
    assert renewal.is_installed(conf_dir, lineage)
    path.write_text("a placeholder\n")
    assert not renewal.is_installed(conf_dir, lineage)


def test_the_hook_leaves_certificates_of_others_alone(monkeypatch, applied):
    monkeypatch.setenv("RENEWED_LINEAGE", "/etc/letsencrypt/live/www.example.org")
    assert renewal.hook(nothing) is None
    assert applied == []

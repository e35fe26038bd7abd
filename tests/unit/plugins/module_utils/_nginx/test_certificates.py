"""The certificates of a host: what is made, what is kept, and what a diff may show of them. openssl is the real one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import certificates, generation, host_state
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import plan as plans

NAMES = ("shop.example", "*.shop.example", "192.0.2.7")


def run(args, *, data=None, binary_data=False):
    done = subprocess.run(args, input=data, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def made():
    return certificates.make(run, "shop", NAMES)


def sites(mode="self_signed", names=NAMES):
    return {"shop": {"tls": {"mode": mode, "names": names}}, "plain": {}}


def wanted(tmp_path, mode, names=NAMES, pems=None):
    found = certificates.required(run, str(tmp_path), sites(mode, names), pems or {})
    assert list(found) == [str(tmp_path / "gatehouse/certificates/shop.pem")]
    return found.popitem()[1]


@pytest.fixture
def there(tmp_path, made):
    certificates.install({str(certificates.path(str(tmp_path), "shop")): made})
    return made


def test_a_self_signed_certificate(made):
    known = certificates.describe(made)
    assert (sorted(known.names), known.self_signed, known.fits(NAMES)) == (sorted(NAMES), True, True)
    assert not known.fits([*NAMES, "b.example"])
    assert made.count("PRIVATE KEY") == 2
    assert "PRIVATE" not in certificates.readable_text(run, made)
    assert "shop.example" in certificates.readable_text(run, made)


def test_a_clock_that_was_wrong(made):
    """One that was made while the clock was ahead is of no use before its time comes."""
    known = certificates.describe(made)
    for ahead, fits in (timedelta(days=1), False), (timedelta(0), True), (timedelta(days=-790), True):
        assert replace(known, begins=known.begins + ahead, expires=known.expires + ahead).fits(NAMES) is fits
    assert not replace(known, expires=known.begins + timedelta(days=29)).fits(NAMES)


def test_damaged_certificates_are_refused():
    assert certificates.describe("nothing") is None


def test_openssl_is_missing(monkeypatch):
    monkeypatch.setattr(certificates.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="install the package 'openssl'"):
        certificates.make(run, "shop", NAMES)


def test_only_root_can_read_key_and_chain(tmp_path, there):
    path = certificates.path(str(tmp_path), "shop")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_self_signed_one_is_kept_while_it_fits(tmp_path, there):
    assert wanted(tmp_path, "self_signed") == there
    assert wanted(tmp_path, "self_signed", ["other.example"]) != there


def test_the_operators_certificate_is_used(tmp_path, there):
    assert wanted(tmp_path, "files", pems={"shop": "theirs"}) == "theirs"


def test_a_placeholder_waits_for_the_authority_whatever_its_names(tmp_path, there):
    assert wanted(tmp_path, "acme", ["other.example"]) == there


def test_a_damaged_one_is_replaced(tmp_path, there):
    certificates.path(str(tmp_path), "shop").write_text("nothing")
    assert certificates.describe(wanted(tmp_path, "acme")).self_signed


def test_a_lost_certificate_is_replaced_by_a_placeholder(tmp_path):
    for mode in ("self_signed", "files", "acme"):
        assert certificates.describe(wanted(tmp_path, mode)).self_signed


def test_only_an_authoritys_certificate_counts(tmp_path, there, monkeypatch):
    assert certificates.certified_names(str(tmp_path), ["shop", "new"]) == {"shop": [], "new": []}
    issued = certificates.describe(there)
    issued.self_signed = False
    monkeypatch.setattr(certificates, "describe", lambda pem: issued)
    assert sorted(certificates.certified_names(str(tmp_path), ["shop"])["shop"]) == sorted(NAMES)


def test_the_digest_depends_on_the_contents(tmp_path, there):
    paths = certificates.paths_of(str(tmp_path), sites())
    before = certificates.digest(paths)
    paths[0].write_text("other")
    assert certificates.digest(paths) != before
    assert certificates.digest([]) == certificates.digest([tmp_path / "missing"]) == ""


def test_a_certificate_is_removed_with_the_last_generation_that_uses_it(tmp_path, there):
    conf_dir, path = str(tmp_path), certificates.path(str(tmp_path), "shop")
    for number, present in ((1, sites()), (2, {"shop": {}})):
        state = {"owns_nginx_conf": False, "sites": present}
        generation.build(conf_dir, number, {"state.json": json.dumps(state)})
        generation.seal(conf_dir, number)
    certificates.prune(conf_dir)
    assert path.exists()
    generation.directory(conf_dir, 1).chmod(0o755)
    certificates.prune(conf_dir)
    assert not path.exists()


def test_a_diff_shows_the_certificate_and_never_its_key(made):
    before, after = (host_state.HostState(generation.Generation(), {}, {"/shop.pem": text}) for text in (None, made))
    plan = plans.Plan(before, after, {"/shop.pem": ("", certificates.readable_text(run, made))})
    assert plan.changed
    assert "shop.example" in json.dumps(plan.diff("/live"))
    assert "PRIVATE" not in json.dumps(plan.diff("/live"))


def test_switching_back_restores_the_certificate(tmp_path, monkeypatch, made):
    host = {"conf_dir": str(tmp_path), "conf_path": str(tmp_path / "nginx.conf")}
    (tmp_path / "nginx.conf").write_text("")
    path = certificates.path(str(tmp_path), "shop")
    generation.root(str(tmp_path)).mkdir()

    def switch(content):
        entries = {host["conf_path"]: ""}
        host_state.switch(host, host_state.HostState(generation.Generation(), entries, {str(path): content}))

    switch(made)
    assert path.read_text() == made
    switch("before")
    assert path.read_text() == "before"
    switch(None)
    assert not path.exists()

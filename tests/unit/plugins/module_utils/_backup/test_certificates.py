"""certbot's certificates and accounts go into a backup, and onto a host that has none. It keeps what it has."""

from pathlib import Path

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import certificates

KINDS = ("cert", "chain", "fullchain", "privkey")
SERVER = "acme-v02.api.example.com/directory"


def account(certbot, name, server=SERVER):
    directory = Path(certbot, "accounts", server, name)
    directory.mkdir(parents=True)
    for file in ("meta.json", "private_key.json", "regr.json"):
        (directory / file).write_text(f"{name} {file}")


def lineage(certbot, name, number=1, of="a1", text="first"):
    archive, live, renewal = (Path(certbot, part) for part in ("archive", "live", "renewal"))
    for directory in (archive / name, live / name, renewal):
        directory.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        (archive / name / f"{kind}{number}.pem").write_text(f"{text} {kind}")
        (live / name / f"{kind}.pem").unlink(missing_ok=True)
        (live / name / f"{kind}.pem").symlink_to(f"../../archive/{name}/{kind}{number}.pem")
    (renewal / f"{name}.conf").write_text(f"version = 4.0.0\n[renewalparams]\naccount = {of}\nserver = https://x\n")


def site(nginx, name, app):
    directory = Path(nginx, "gatehouse/live/sites")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.conf").write_text(f"server unix:/srv/{app}/current/web.sock max_fails=0;\n")


@pytest.fixture
def old(tmp_path):
    """A host with two apps and the certificates of their sites."""
    certbot, nginx = tmp_path / "old", tmp_path / "nginx"
    account(certbot, "a1")
    for name in ("shop", "blog"):
        lineage(certbot, f"gatehouse-{name}", number=3)
        site(nginx, name, name)
    return certbot, nginx


@pytest.fixture
def stored(old, tmp_path):
    """The backup of one of them."""
    names, problems = certificates.collect(App("shop"), tmp_path / "stored", *map(str, old))
    assert (names, problems) == (["gatehouse-shop"], [])
    return tmp_path / "stored"


def content(certbot, name="gatehouse-shop"):
    return {kind: Path(certbot, "live", name, f"{kind}.pem").read_text() for kind in KINDS}


def files(top):
    return {str(path.relative_to(top)): path.read_bytes() for path in Path(top).rglob("*") if path.is_file()}


def test_a_backup_has_the_certificates_of_its_app_alone(stored):
    assert sorted(path.name for path in stored.rglob("gatehouse-*")) == ["gatehouse-shop"] * 2 + ["gatehouse-shop.conf"]
    assert content(stored)["privkey"] == "first privkey"


def test_an_empty_host_gets_them(stored, tmp_path):
    restored = certificates.restore(stored, str(tmp_path / "new"))
    assert (restored.made, restored.kept, restored.accounts) == (["gatehouse-shop"], [], [SERVER])
    assert content(tmp_path / "new") == content(stored)
    assert "account = a1" in (tmp_path / "new/renewal/gatehouse-shop.conf").read_text()
    before = files(tmp_path / "new")
    again = certificates.restore(stored, str(tmp_path / "new"))
    assert (again.made, again.kept, again.accounts) == ([], ["gatehouse-shop"], [])
    assert files(tmp_path / "new") == before


def test_a_certificate_of_the_host_is_never_replaced(stored, tmp_path):
    lineage(tmp_path / "new", "gatehouse-shop", number=7, text="newer")
    assert certificates.restore(stored, str(tmp_path / "new")).kept == ["gatehouse-shop"]
    assert content(tmp_path / "new")["cert"] == "newer cert"


def test_an_account_of_the_host_stays_the_only_one_of_its_server(stored, tmp_path):
    """With two, certbot cannot request any other certificate without a terminal."""
    account(tmp_path / "new", "b2")
    assert certificates.restore(stored, str(tmp_path / "new")).accounts == []
    assert [path.name for path in (tmp_path / "new/accounts" / SERVER).iterdir()] == ["b2"]
    assert "account = b2\n" in (tmp_path / "new/renewal/gatehouse-shop.conf").read_text()


@pytest.mark.parametrize(
    "missing", ["renewal/gatehouse-shop.conf", "live/gatehouse-shop/privkey.pem", f"accounts/{SERVER}/a1/regr.json"]
)
def test_what_a_killed_run_has_left_is_completed(stored, tmp_path, missing):
    new = tmp_path / "new"
    certificates.restore(stored, str(new))
    whole = files(new)
    (new / missing).unlink()
    certificates.restore(stored, str(new))
    assert files(new) == whole


def test_a_half_renewed_certificate_is_left_out_of_the_backup(old, tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "WAIT_SECONDS", 0)
    certbot, nginx = old
    Path(certbot, "archive/gatehouse-shop/cert4.pem").write_text("newer")
    link = Path(certbot, "live/gatehouse-shop/cert.pem")
    link.unlink()
    link.symlink_to("../../archive/gatehouse-shop/cert4.pem")
    names, problems = certificates.collect(App("shop"), tmp_path / "stored", str(certbot), str(nginx))
    assert names == []
    assert "certbot renew --force-renewal --cert-name gatehouse-shop" in problems[0]
    assert not (tmp_path / "stored").exists()


def test_without_certificates_there_is_nothing(tmp_path):
    assert certificates.collect(App("shop"), tmp_path / "stored", str(tmp_path), str(tmp_path)) == ([], [])
    assert certificates.restore(tmp_path / "stored", str(tmp_path / "new")).made == []
    assert not (tmp_path / "new").exists()

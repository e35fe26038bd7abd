"""What runs beside a copy reaches the copy and no live data."""

import os

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import in_copy
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError

SANDBOX = (
    '["User=shop", "Group=shop", "Slice=gatehouse-shop.slice", "UMask=0027", "ReadWritePaths=/srv/shop/data",'
    ' "ReadWritePaths=/mnt/media", "SupplementaryGroups=video", "ProtectSystem=strict"]'
)


@pytest.fixture
def app(tmp_path, monkeypatch):
    app = App("shop", str(tmp_path))
    os.makedirs(app.release("r1"))
    manage = f"main(\n    {SANDBOX},\n)\n"
    monkeypatch.setattr(App, "record", lambda _self, _release: {"units": {f"{app.home}/manage": manage}})
    monkeypatch.setattr(App, "current", lambda _self: "r1")
    monkeypatch.setattr(in_copy, "RUN_DIRECTORY", str(tmp_path))
    return app


def write_env(app, url):
    with open(f"{app.release('r1')}/env", "w", encoding="utf-8") as file:
        file.write(f'DATABASE_URL="{url}"\nSECRET_KEY="a-long-secret-key"\n')


def test_its_unit(app):
    found = in_copy.InCopy(app, "drill", more=["Nice=19"]).properties("r1")
    assert [one for one in found if one.startswith(("User=", "Group="))] == ["User=shop-copy", "Group=shop-copy"]
    assert {"ProtectSystem=strict", "UMask=0027", "PrivateNetwork=yes", "Nice=19"} <= set(found)
    assert f"BindPaths={app.copies}/drill/data:{app.data}" in found
    assert f"Environment=HOME={app.data}" in found
    assert [one for one in found if one.startswith("ReadWritePaths=")] == [f"ReadWritePaths={app.data}"]
    (hidden,) = [one for one in found if one.startswith("InaccessiblePaths=")]
    assert {f"-{app.copies}", "-/run/valkey-shop-broker", "-/run/valkey-shop-cache"} <= set(
        hidden.partition("=")[2].split()
    )
    assert not any(text in one for one in found for text in ("gatehouse-shop.slice", "video", "/mnt/media", "secret"))


@pytest.mark.parametrize(
    ("live", "seen"),
    [
        ("postgresql://shop:a-password@db.example.com/shop", "postgresql://copy"),
        ("postgis://shop@/shop", "postgis://copy"),
        ("sqlite:////srv/shop/data/db.sqlite3", "sqlite:////srv/shop/data/db.sqlite3"),
    ],
)
def test_the_password_of_the_live_database_is_not_there(app, live, seen):
    write_env(app, live)
    found = in_copy.InCopy(app, "drill", lambda scheme: f"{scheme}://copy").variables("r1")
    assert found == {"DATABASE_URL": seen, "SECRET_KEY": "a-long-secret-key"}


class Host:
    """Notes the command and what its file of variables had."""

    def __init__(self, app, code, err):
        self.app, self.answer = app, (code, "", err)

    def __call__(self, command):
        self.command = command
        with open(f"{os.path.dirname(self.app.home)}/gatehouse-shop-copy-drill.env", encoding="utf-8") as file:
            self.variables = file.read()
        return self.answer


def test_an_answer(app, monkeypatch):
    write_env(app, "postgresql://shop@/shop")
    host = Host(app, 0, 'printed by the project\n{"default": ["shop.0002_x"]}\n')
    monkeypatch.setattr(in_copy, "run_bounded", host)
    work = in_copy.InCopy(app, "drill", lambda scheme: f"{scheme}://copy")
    assert work.migrations("r1", {"default": {"NAME": "copy"}}) == {"default": ["shop.0002_x"]}
    assert host.command[-2:] == ["migrations", '{"default": {"NAME": "copy"}}']
    assert 'DATABASE_URL="postgresql://copy"' in host.variables
    assert not work.environment.exists()


def test_a_failure_shows_no_secret(app, monkeypatch):
    write_env(app, "postgresql://shop@/shop")
    monkeypatch.setattr(in_copy, "run_bounded", Host(app, 1, "Error: a-long-secret-key is wrong\n"))
    work = in_copy.InCopy(app, "drill")
    with pytest.raises(BackupError, match=r"'rows' of the copy failed \(1\): Error: .* is wrong") as caught:
        work.rows("/srv/shop/data/db.sqlite3")
    assert "a-long-secret-key" not in str(caught.value)
    assert not work.environment.exists()

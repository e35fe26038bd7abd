"""What a process that works on copies cannot reach, and what it reads instead."""

import json
import stat

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import process
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy

COPY = Copy(Database("default", "postgresql", "shop", "", "", "", ""), ("default",), "rehearsal", "shop-copy-rehearsal")


def written(tmp_path, **given):
    path = tmp_path / "env"
    process.write_environment(str(path), given, "/copies/program", "shop-copy", [COPY])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return environment(str(path))


def test_the_environment(tmp_path):
    found = written(
        tmp_path,
        PYTHONPATH="/project:/gatehouse",
        DATABASE_URL="postgis://shop@/shop",
        CELERY_BROKER_URL="redis://live",
        OTHER="1",
    )
    copy = {"NAME": "shop-copy-rehearsal", "USER": "shop-copy"}
    assert json.loads(found.pop("GATEHOUSE_COPIES")) == {"aliases": {"default": copy}, "names": {"shop": copy}}
    assert found == {
        "DJANGO_SETTINGS_MODULE": "gatehouse_copy",
        "PYTHONPATH": "/copies/program:/project:/gatehouse",
        "DATABASE_URL": "postgis://shop-copy@/shop-copy-rehearsal",
        "CELERY_BROKER_URL": "memory://",
    }


def test_the_url_of_another_database_stays(tmp_path):
    assert "DATABASE_URL" not in written(tmp_path, DATABASE_URL="sqlite:////srv/shop/data/db.sqlite3")


def test_the_unit_has_another_user_and_other_data():
    found = process.properties(
        App("shop"), "/srv/shop/releases/a", ["User=shop", "UMask=0027"], "/copies/data", "/copies/env"
    )
    # systemd takes the last user, and the last assignment of a variable.
    assert found.index("User=shop-copy") > found.index("User=shop")
    files = [one for one in found if one.startswith("EnvironmentFile=")]
    assert files == ["EnvironmentFile=/srv/shop/releases/a/env", "EnvironmentFile=/copies/env"]
    assert "BindPaths=/copies/data:/srv/shop/data" in found
    assert "Environment=HOME=/srv/shop/data" in found
    assert "PrivateNetwork=yes" in found
    assert "InaccessiblePaths=-/run/valkey-shop-cache -/run/valkey-shop-broker" in found

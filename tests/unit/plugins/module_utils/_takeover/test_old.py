"""What serves a site now."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.service import Service
from ansible_collections.gatehouse.django.plugins.module_utils._takeover.old import Refused, find

OTHER = "server { server_name other.test; location / { proxy_pass http://unix:/run/other.sock; } }"


def test_the_site_with_its_files_and_units(old_site, tmp_path):
    assert old_site.site.names == ("hand.test",)
    assert old_site.files == (f"{tmp_path}/sites-enabled/project",)
    assert old_site.units == ["gunicorn.socket", "gunicorn.service"]
    assert old_site.site.certificate[0] == "/etc/letsencrypt/live/hand.test/fullchain.pem"


def test_nothing_serves_the_names(host_with, site):
    assert find(host_with(project=site), ["none.test"]) is None


def test_a_site_of_gatehouse_is_none(host_with, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse" / "x.conf").write_text("server { server_name hand.test; }")
    assert find(host_with("include gatehouse/*;"), ["hand.test"]) is None


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"project": "SITE" + OTHER}, "also serves other.test"),
        ({"project": "SITE" + "server { return 444; }"}, "also serves all other names"),
        ({"main": "SITE"}, "also serves all other configuration"),
        ({"project": "server { server_name hand.test; root /var/www; }"}, "no service of systemd is behind"),
        ({"project": "SITE", "more": OTHER.replace("other.test", "hand.test")}, "are behind"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(host_with, site, services, files, words):
    services["other.service"] = Service("other.service", path="/etc/systemd/system/other.service")
    with pytest.raises(Refused, match=r"Nothing was changed\.") as refused:
        find(host_with(**{name: text.replace("SITE", site) for name, text in files.items()}), ["hand.test"])
    assert words in str(refused.value)


def test_a_service_of_a_package_is_refused(host_with, site, services):
    known = services["gunicorn.service"]
    services["gunicorn.service"] = replace(known, path="/usr/lib/systemd/system/gunicorn.service")
    with pytest.raises(Refused, match="comes from a package"):
        find(host_with(project=site), ["hand.test"])


@pytest.mark.parametrize(
    ("change", "is_found"),
    [
        ({"directory": "/home/deploy/project"}, True),
        ({"argv": ("/home/deploy/project/venv/bin/celery", "worker")}, True),
        ({"directory": "/home/deploy/project-two"}, False),
        ({"directory": "/home/deploy/project", "path": "/usr/lib/systemd/system/worker.service"}, False),
        ({"directory": "/home/deploy/project", "is_active": False}, False),
        ({"directory": "/home/deploy/project", "is_active": False, "is_enabled": True}, True),
    ],
)
def test_other_services_of_the_same_project(host_with, site, services, change, is_found):
    worker = {"path": "/etc/systemd/system/worker.service", "is_active": True, "triggers": ("worker.timer",), **change}
    services["worker.service"] = Service("worker.service", **worker)
    found = find(host_with(project=site), ["hand.test"])
    assert found.units[:-2] == (["worker.timer", "worker.service"] if is_found else [])

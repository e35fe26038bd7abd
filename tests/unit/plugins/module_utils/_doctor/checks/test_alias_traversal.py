"""An alias that publishes the files beside its directory."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks import published_secrets
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.alias_traversal import check_traversal
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

TEXT = """
server {{
    listen 80; listen 443 ssl; server_name shop.test;
    location /static {{ alias {0}/static/; }}
    location ^~ /media {{ alias {0}/media/; }}
    location /good/ {{ alias {0}/good/; }}
    location /both {{ alias {0}/both; }}
}}
"""


def test_a_location_without_the_slash_of_its_alias(doctor_host, tmp_path):
    (tmp_path / "db.sqlite3").touch()
    first, second = check_traversal(doctor_host(TEXT.format(tmp_path)), lambda server: True)
    assert f"so /static../db.sqlite3 is {tmp_path}/db.sqlite3." in first.cause
    assert first.remedy.startswith("Write 'location /static/ {' in ")
    assert second.remedy.startswith("Write 'location ^~ /media/ {' in ")


def test_the_answer_of_nginx_proves_it(doctor_host, tmp_path, monkeypatch):
    (tmp_path / "db.sqlite3").touch()
    monkeypatch.setattr(published_secrets, "ask", lambda request, *_rest, **_options: Answer(200))
    first, _second = check_traversal(doctor_host(TEXT.format(tmp_path)), lambda server: True)
    assert first.cause.endswith("db.sqlite3, to which nginx answers 200.")


def test_only_the_sites_that_are_meant(doctor_host, tmp_path):
    assert list(check_traversal(doctor_host(TEXT.format(tmp_path)), lambda server: False)) == []


def test_a_location_in_a_snippet(doctor_host, tmp_path):
    """nginx_config refuses such a location of its own."""
    path = tmp_path / "gatehouse" / "live" / "sites" / "shop.conf"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.format(tmp_path))
    first, _second = check_traversal(doctor_host(f"include {path};"), lambda server: True)
    assert first.remedy.startswith("Write 'location /static/ {' in `snippet` in the entry of the site shop in django_")

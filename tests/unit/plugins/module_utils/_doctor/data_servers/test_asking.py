"""What of an answer, of which an app decides each byte, is taken."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.data_servers import asking

GIVEN = {"kind": "database", "label": "default", "vendor": "postgresql", "host": "db", "port": "", "error": "no s3cret"}


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "command", lambda app, release, seconds, more: [app.name, release])
    release = tmp_path / "shop/releases/1"
    release.mkdir(parents=True)
    (release / "env").write_text('DATABASE_URL="postgresql://shop:s3cret@db/shop"\n')
    (tmp_path / "shop/current").symlink_to("releases/1")
    return App("shop", str(tmp_path))


def answers(output, asked):
    return lambda argv, data: asked.append(data) or (0, output, "")


def test_an_app_without_a_driver_and_a_url_is_not_asked(app):
    asked = []
    assert asking.servers(app, answers("[]", asked)) == []
    assert asked == []


def test_secrets_are_taken_out(app, tmp_path):
    (tmp_path / "shop/releases/1/venv/lib/python3.13/site-packages/psycopg").mkdir(parents=True)
    asked = []
    (found,) = asking.servers(app, answers(f"noise\n{json.dumps([GIVEN])}\n", asked))
    assert (found.kind, found.host, found.error) == ("database", "db", "no ********")
    compile(asked[0], "reader", "exec")


@pytest.mark.parametrize(
    "output",
    [
        *("", "no JSON", "{}", "null", "[" * 100_000, "[1, null, []]"),
        json.dumps([{**GIVEN, "kind": "other"}]),
        json.dumps([{**GIVEN, "host": "a`b"}]),
    ],
)
def test_an_answer_without_content(output):
    assert asking.parse(output, str) == []

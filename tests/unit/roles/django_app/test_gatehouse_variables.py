"""Which variables of the inventory a project does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/django_app/files"
PROGRAM = """
import json, os, sys, types
import gatehouse_variables

gatehouse_variables.record()
exec(sys.argv[1])
settings = types.SimpleNamespace(SECRET_KEY=SECRET_KEY, DATABASES={"default": {"NAME": NAME}})
print(json.dumps(gatehouse_variables.unused(json.loads(sys.argv[2]), settings)))
"""
GIVEN = {
    "DJANGO_SECRET_KEY": "given",
    "DATABASE_URL": "postgres://me:geheim@db.example.com/shop",
    "PLAIN": "1",
    "LATER": "2",
    "PACKAGED": "3",
    "TYPO": "4",
}
READS = 'SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]; NAME = "shop"; os.getenv("PLAIN"); "X" in os.environ'


@pytest.fixture
def unused(tmp_path):
    packages = tmp_path / "site-packages"
    for path, text in (("project/shop/views.py", 'os.environ["LATER"]'), ("site-packages/lib/a.py", "PACKAGED")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    (packages / "binary.bin").write_text("TYPO")

    def unused(settings, **changes):
        given = GIVEN | changes
        done = subprocess.run(
            [sys.executable, "-S", "-c", PROGRAM, settings, json.dumps(list(given))],
            env={**os.environ, **given, "PYTHONPATH": f"{FILES}:{packages}"},
            cwd=tmp_path / "project",
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    return unused


def test_what_is_neither_read_nor_named(unused):
    assert unused(READS) == ["TYPO"]


def test_a_key_beside_a_hard_coded_one(unused):
    assert unused(READS.replace('os.environ["DJANGO_SECRET_KEY"]', '"hard"')) == ["DJANGO_SECRET_KEY", "TYPO"]
    # A program that lists all variables may use each of them, but not the key.
    listed = READS.replace('os.environ["DJANGO_SECRET_KEY"]', '"hard"') + "; dict(os.environ)"
    assert unused(listed) == ["DJANGO_SECRET_KEY"]
    assert unused(listed.replace('"hard"', '"given"')) == []


@pytest.mark.parametrize(
    ("url", "name", "is_unused"),
    [
        ("postgres://me:geheim@db/shop?sslmode=require", "shop", False),
        ("postgres://me:geheim@db/shop", "other", True),
        ("sqlite:////srv/shop/data/db.sqlite3", "/srv/shop/data/db.sqlite3", False),
        ("sqlite:///db.sqlite3", "/srv/shop/data/db.sqlite3", False),
        ("mysql://db/a%20b", "a b", False),
        ("postgres://[bad", "shop", False),
        ("sqlite://:memory:", "shop", False),
    ],
)
def test_a_database_url_beside_other_databases(unused, url, name, is_unused):
    settings = READS.replace('"shop"', repr(name))
    assert ("DATABASE_URL" in unused(settings, DATABASE_URL=url)) is is_unused

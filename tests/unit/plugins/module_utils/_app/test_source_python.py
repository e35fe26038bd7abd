"""The host reads an archive that it downloads for the version of Python that the project requires."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import package_index, source_python
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

URL = "https://example.com/shop.zip"


class Bound:
    """Stands for the Builder: the archive is where it is, not in a /tmp of its own."""

    def __init__(self, builder):
        self.builder = builder

    def attempt(self, argv, *, readable):
        ((archive, place),) = (one.rsplit(":", 1) for one in readable)
        return self.builder.attempt([sys.executable, *(archive if word == place else word for word in argv[1:])])


@pytest.fixture
def look(builder, tmp_path, monkeypatch):
    """look(content, **changes): the requirements of an archive, which is downloaded if that is possible."""

    def look(content, files=None, missing=(), checksum="", **source):
        monkeypatch.setattr(source_python, "fetcher", lambda _authorization: lambda _url: io.BytesIO(content))
        found = checksum or f"sha256:{hashlib.sha256(content).hexdigest()}"
        params = {
            "source": {"archive": URL, "checksum": found, "subdirectory": "", **source},
            **{"requirements_file": "", "missing_packages": list(missing), "upload": str(tmp_path / "source")},
        }
        private = {"authorization": "", "project_files": files or {}, "build_environment": {"UV_INDEX": "i"}}
        return [one["specifier"] for one in source_python.required_pythons(Bound(builder), params, private)]

    return look


def zipped(**files):
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return found.getvalue()


ARCHIVE = zipped(**{"shop-1/uv.lock": 'requires-python = ">=3.12"', "shop-1/web/manage.py": ""})


def test_an_archive_is_downloaded_and_read(look, tmp_path):
    assert look(ARCHIVE, subdirectory="web") == [">=3.12"]
    assert (tmp_path / "source").read_bytes() == ARCHIVE


def test_a_file_of_the_inventory_replaces_that_of_the_archive(look):
    assert look(ARCHIVE, files={"uv.lock": "requires-python = '>=3.13'"}) == [">=3.13"]


def test_without_authorities_nothing_is_downloaded(look, tmp_path):
    assert look(ARCHIVE, missing=["ca-certificates"]) == []
    assert os.listdir(tmp_path) == ["private"]


@pytest.mark.parametrize(
    ("content", "checksum", "words"),
    [
        (ARCHIVE, "sha256:00", "has the checksum"),
        (
            b"no archive",
            "",
            "source: 'https://example.com/shop.zip' cannot be read: ReadError: file could not be opened",
        ),
        (zipped(**{"pyproject.toml": "no"}), "", "'pyproject.toml' is not valid"),
    ],
)
def test_an_archive_that_cannot_be_used(look, content, checksum, words):
    with pytest.raises(ReleaseError) as refused:
        look(content, checksum=checksum)
    assert words in str(refused.value)
    assert str(refused.value).endswith("Nothing was changed.")


def test_a_package_is_looked_up_in_the_indexes_of_the_app(look, monkeypatch):
    asked = []
    monkeypatch.setattr(package_index, "requirements", lambda *given: asked.append(given) or [])
    assert look(ARCHIVE, archive="", pypi="shop==1") == []
    assert look(ARCHIVE, missing=["ca-certificates"], archive="", pypi="shop==1") == []
    assert asked == [("shop==1", {"UV_INDEX": "i"})]

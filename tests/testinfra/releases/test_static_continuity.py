"""A page that was made before a switch still finds the static files that go with it; nothing else of them mixes."""

import gzip
import json
import re

import pytest
from helpers.http import Visitor
from helpers.steady import deploy, rollback, site_of, variant_in

# Enough to be worth compressing.
RULES = {"+steady/static/steady/steady.css": "p {color: #123456}\n" * 100}
IMMUTABLE = ["public, max-age=31536000, immutable"]


@pytest.fixture
def visitor(address):
    return Visitor(address, site_of("steady"))


def stylesheet(visitor):
    """What a page of this moment names."""
    return re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.css)"', visitor.get("/page").text).group(1)


@pytest.fixture(scope="module")
def pages(host, address, tmp_path_factory):
    """The stylesheets of two releases by their paths, as they were when each was served; the newer one is."""
    visitor, found = Visitor(address, site_of("steady")), {}
    for _release in range(2):
        deploy(host, variant_in(tmp_path_factory.mktemp("variant"), RULES))
        path = stylesheet(visitor)
        found[path] = visitor.get(path).body
    assert len(found) == len(set(found.values())) == 2
    return found


def find_their_stylesheets(visitor, pages):
    for path, content in pages.items():
        answer = visitor.get(path)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers.get_all("Cache-Control") == IMMUTABLE


def test_both_pages_find_their_stylesheet(visitor, pages):
    find_their_stylesheets(visitor, pages)


@pytest.mark.parametrize(("accept", "encoding"), [("gzip", "gzip"), ("br", "br"), ("gzip, deflate, br, zstd", "br")])
def test_both_were_compressed_at_build_time(host, visitor, pages, accept, encoding):
    for path, content in pages.items():
        answer = visitor.get(path, accept_encoding=accept)
        assert answer.headers["Content-Encoding"] == encoding
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.headers.get_all("Cache-Control") == IMMUTABLE
        assert unpack(host, encoding, path) == content
        suffix = {"gzip": "gz", "br": "br"}[encoding]
        assert answer.body == host.file(f"/srv/steady/current{path}.{suffix}").content


def unpack(host, encoding, path):
    if encoding == "gzip":
        return gzip.decompress(host.file(f"/srv/steady/current{path}.gz").content)
    return host.run("brotli --decompress --stdout /srv/steady/current%s.br", path).stdout_bytes


@pytest.mark.parametrize("accept", ["identity", "br;q=0", "br;q=0, gzip;q=0", "deflate"])
def test_who_takes_neither_gets_the_plain_file(visitor, pages, accept):
    for path, content in pages.items():
        answer = visitor.get(path, accept_encoding=accept)
        assert answer.body == content
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_the_manifest_names_the_new_one_only(host, pages):
    manifest = host.file("/srv/steady/current/static/staticfiles.json").content_string
    old, new = (path.removeprefix("/static/") for path in pages)
    assert list(json.loads(manifest)["paths"].values()).count(new) == 1
    assert old not in manifest


def test_a_file_without_a_hash_is_the_new_one(visitor, pages):
    plain = re.sub(r"\.[0-9a-f]{12}\.css$", ".css", list(pages)[1])
    assert visitor.get(plain).body == list(pages.values())[1]


def test_all_of_it_is_roots_and_takes_no_space(host, pages):
    old, _new = pages
    assert host.check_output("find /srv/steady/current/static/ ! -user root -o -perm /022") == ""
    assert int(host.check_output("stat -c %%h /srv/steady/current%s", old)) > 1


@pytest.fixture
def rolled_back(host, pages):
    rollback(host)
    yield
    rollback(host)


def test_after_a_rollback_the_newer_page_finds_its_own(visitor, pages, rolled_back):
    old, _new = pages
    assert stylesheet(visitor) == old
    find_their_stylesheets(visitor, pages)

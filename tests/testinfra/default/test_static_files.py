"""nginx serves static files with the headers that browsers and caches need."""

import gzip

import pytest


def on_disk(host, path):
    return host.file("/srv/guestbook/current" + path)


@pytest.fixture(scope="module")
def stylesheet_bytes(host, stylesheet):
    return on_disk(host, stylesheet).content


def test_a_static_file_is_served_as_it_is_on_disk(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet)
    assert answer.status == 200
    assert answer.body == stylesheet_bytes
    assert int(answer.headers["Content-Length"]) == len(stylesheet_bytes)


def test_a_stylesheet_has_its_content_type(guestbook, stylesheet):
    assert guestbook.get(stylesheet).headers["Content-Type"].split(";")[0] == "text/css"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/static/admin/js/core.js", ("text/javascript", "application/javascript")),
        ("/static/admin/img/icon-yes.svg", ("image/svg+xml",)),
    ],
)
def test_scripts_and_images_have_their_content_types(guestbook, path, content_type):
    answer = guestbook.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].split(";")[0] in content_type


def test_browsers_must_not_guess_the_content_type(guestbook, stylesheet):
    assert guestbook.get(stylesheet).headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_with_a_hash_in_its_name_is_immutable(guestbook, stylesheet):
    assert guestbook.get(stylesheet).headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]


def test_browsers_revalidate_a_file_without_a_hash(guestbook, plain_stylesheet):
    answer = guestbook.get(plain_stylesheet)
    assert answer.status == 200
    assert answer.headers.get_all("Cache-Control") == ["no-cache"]


def test_a_missing_file_is_not_cached(guestbook):
    answer = guestbook.get("/static/gone.0123456789ab.css")
    assert answer.status == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_the_same_etag_is_answered_with_304(guestbook, stylesheet):
    etag = guestbook.get(stylesheet).headers["ETag"]
    answer = guestbook.get(stylesheet, if_none_match=etag)
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["ETag"] == etag


def test_another_etag_gets_the_file(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, if_none_match='"another"')
    assert (answer.status, answer.body) == (200, stylesheet_bytes)


def test_an_unchanged_file_is_answered_with_304(guestbook, stylesheet):
    modified = guestbook.get(stylesheet).headers["Last-Modified"]
    answer = guestbook.get(stylesheet, if_modified_since=modified)
    assert (answer.status, answer.body) == (304, b"")


def test_an_older_copy_is_replaced(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, if_modified_since="Sat, 01 Jan 2000 00:00:00 GMT")
    assert (answer.status, answer.body) == (200, stylesheet_bytes)


def test_a_range_is_answered_with_that_part(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, range="bytes=10-19")
    assert (answer.status, answer.body) == (206, stylesheet_bytes[10:20])
    assert answer.headers["Content-Range"] == f"bytes 10-19/{len(stylesheet_bytes)}"


def test_the_last_bytes_can_be_requested(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, range="bytes=-5")
    assert (answer.status, answer.body) == (206, stylesheet_bytes[-5:])


def test_a_range_beyond_the_end_is_refused_with_416(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, range=f"bytes={len(stylesheet_bytes)}-")
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(stylesheet_bytes)}"


def test_a_range_of_a_file_that_has_changed_gets_the_whole_file(guestbook, stylesheet, stylesheet_bytes):
    answer = guestbook.get(stylesheet, range="bytes=0-9", if_range='"another"')
    assert (answer.status, answer.body) == (200, stylesheet_bytes)


def test_a_client_that_accepts_gzip_gets_the_precompressed_file(host, guestbook, stylesheet):
    answer = guestbook.get(stylesheet, accept_encoding="gzip, deflate, br")
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.body == on_disk(host, stylesheet + ".gz").content
    assert answer.headers["Content-Type"].split(";")[0] == "text/css"
    assert answer.headers.get_all("Cache-Control") == ["public, max-age=31536000, immutable"]


def test_the_compressed_file_is_the_same_file(guestbook, stylesheet, stylesheet_bytes):
    assert gzip.decompress(guestbook.get(stylesheet, accept_encoding="gzip").body) == stylesheet_bytes


@pytest.mark.parametrize("accept", ["identity", "gzip;q=0", "br"])
def test_a_client_without_gzip_gets_the_plain_file(guestbook, stylesheet, stylesheet_bytes, accept):
    answer = guestbook.get(stylesheet, accept_encoding=accept)
    assert answer.body == stylesheet_bytes
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("accept", ["gzip", "identity"])
def test_vary_names_the_encoding(guestbook, stylesheet, accept):
    assert "Accept-Encoding" in guestbook.get(stylesheet, accept_encoding=accept).headers["Vary"]


def test_nginx_compresses_a_page(guestbook):
    plain, page = guestbook.get("/"), guestbook.get("/", accept_encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert page.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in ", ".join(page.headers.get_all("Vary"))
    assert b"<title>" in gzip.decompress(page.body)


def test_a_doubled_slash_counts_as_one(guestbook, stylesheet, stylesheet_bytes):
    assert guestbook.get(f"/{stylesheet}").body == stylesheet_bytes


def test_head_gives_the_headers_of_get_and_no_body(guestbook, stylesheet):
    get, head = guestbook.get(stylesheet), guestbook.head(stylesheet)
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control", "Last-Modified"):
        assert head.headers[name] == get.headers[name], name


def test_head_of_a_page_has_no_body(guestbook):
    answer = guestbook.head("/")
    assert (answer.status, answer.body) == (200, b"")


def test_a_post_to_a_static_file_is_refused(guestbook, stylesheet):
    assert guestbook.request("POST", stylesheet, body=b"x=1").status == 405


def test_a_directory_of_static_files_is_not_listed(guestbook):
    for path in ("/static/", "/static/admin/", "/static/admin/css/"):
        answer = guestbook.get(path)
        assert answer.status in (403, 404), path
        assert "base.css" not in answer.text, path


def test_no_answer_names_the_version_of_nginx(guestbook, stylesheet):
    assert guestbook.get(stylesheet).headers["Server"] == "nginx"

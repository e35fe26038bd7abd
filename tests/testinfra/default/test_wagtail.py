"""A project that Wagtail generated is served without changes."""

import re


def test_the_home_page_is_served(wagtail):
    answer = wagtail.get("/")
    assert answer.status == 200
    assert "Wagtail" in answer.text


def test_the_admin_redirects_to_its_login(wagtail):
    answer = wagtail.get("/admin/")
    assert answer.status == 302
    assert "/admin/login/" in answer.headers["Location"]


def test_the_stylesheets_of_the_admin_are_hashed_and_come_from_nginx(host, wagtail):
    sheets = re.findall(r'<link[^>]+href="(/static/wagtailadmin/[^"]+\.css)', wagtail.get("/admin/login/").text)
    assert sheets
    for sheet in sheets:
        answer = wagtail.get(sheet)
        assert answer.status == 200, sheet
        assert re.search(r"\.[0-9a-f]{8,}\.css$", sheet), sheet
        assert answer.headers["Cache-Control"].endswith("immutable"), sheet
        assert answer.body == host.file("/srv/wagtailsite/current" + sheet).content, sheet


def test_an_editor_logs_in(wagtail, wagtail_password):
    answer = wagtail.log_in("/admin/login/", "visitor", wagtail_password)
    assert answer.status == 302
    page = wagtail.get("/admin/")
    assert page.status == 200
    assert "visitor" in page.text


def test_an_editor_uploads_an_image_that_visitors_get(wagtail, wagtail_password):
    wagtail.log_in("/admin/login/", "visitor", wagtail_password)
    form = wagtail.get("/admin/images/add/")
    fields = {"title": "A dot", "csrfmiddlewaretoken": form.csrf_token(), "collection": "1"}
    answer = wagtail.submit("/admin/images/add/", fields, {"file": ("dot.png", "image/png", DOT)})
    assert answer.status == 302, answer.text[:500]
    listing = wagtail.get("/admin/images/").text
    path = re.search(r'src="(/media/images/dot[^"]*)"', listing).group(1)
    picture = wagtail.get(path)
    assert picture.status == 200
    assert picture.headers["Content-Type"] == "image/png"


# A PNG of one pixel
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)

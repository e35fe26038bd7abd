"""What is said of the answers of two releases to the same requests."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.comparison import Visit, compare

FIRST, ORDERS, LOGIN = ("shop.test", "/"), ("shop.test", "/orders/"), ("shop.test", "/account/")
GOOD = Visit(200, 0.1)
OPEN = "The way back is open: the release that is served works on the migrated copy."
END = "Its visitors see errors from the migration until the switch, and a rollback would not help."


def visits(first=GOOD, orders=GOOD):
    return {FIRST: first, ORDERS: orders}


def test_no_difference():
    found = compare(visits(), visits(), visits())
    assert (found.lines, found.errors) == ([OPEN, "Pages: 2 compared."], [])


@pytest.mark.parametrize(
    ("reason", "need"),
    [
        ('ProgrammingError: column "text" of relation "shop_order" does not exist', "the column shop_order.text"),
        ("ProgrammingError: column shop_order.text does not exist", "the column shop_order.text"),
        ("OperationalError: no such column: shop_order.text", "the column shop_order.text"),
        ("OperationalError: table shop_order has no column named text", "the column shop_order.text"),
        ('ProgrammingError: relation "shop_order" does not exist', "the table shop_order"),
        ("OperationalError: no such table: shop_order", "the table shop_order"),
    ],
)
def test_the_way_back_is_closed_by_what_is_missing(reason, need):
    broken = Visit(500, 0.1, reason=reason)
    found = compare(visits(), visits(broken, broken), visits())
    expected = (
        f"The way back is closed: the release that is served needs {need}, which the migrations take away: it answers "
        f"500 to shop.test/ on the migrated copy. {END}"
    )
    assert found.lines == [expected, "Pages: 2 compared."]
    assert found.errors == [expected]


def test_the_way_back_is_closed_by_the_tables():
    need = "The way back is closed: the release that is served needs the column shop_order.text, which"
    schema = [f"{need} the migrations take away. {END}", f"The way back is closed: another. {END}"]
    found = compare(visits(), visits(), visits(), schema)
    assert (found.lines, found.errors) == ([*schema, "Pages: 2 compared."], schema)
    # A page that fails for it says more.
    broken = Visit(500, 0.1, reason="OperationalError: no such column: shop_order.text")
    found = compare(visits(), visits(broken), visits(), schema)
    assert len(found.errors) == 2
    assert found.errors[0].startswith(f"{need} the migrations take away: it answers 500 to shop.test/")
    failing = {page: Visit(500, 0.1) for page in visits()}
    found = compare(failing, failing, failing, schema)
    assert (found.lines[:2], found.errors) == (schema, schema)


def test_the_way_back_is_closed_by_another_error():
    found = compare(visits(), visits(Visit(0, 1.0, reason="ends the connection")), visits())
    assert found.errors == [
        "The way back is closed: the release that is served answers no answer to shop.test/ on the migrated copy "
        f"(ends the connection). {END}"
    ]


@pytest.mark.parametrize(("before", "is_error"), [(7.0, False), (0.2, True)])
def test_a_slow_page_that_is_late_is_no_error(before, is_error):
    late = Visit(0, 10.0, reason="does not answer within 10 s", is_late=True)
    found = compare(visits(orders=Visit(200, before)), visits(orders=late), visits(orders=late))
    if not is_error:
        assert (found.lines, found.errors) == ([OPEN, "Pages: 2 compared."], [])
        return
    assert (
        "answers no answer to shop.test/orders/ on the migrated copy (does not answer within 10 s)" in found.errors[0]
    )
    assert found.errors[1] == (
        "GET shop.test/orders/: 200 now, no answer with the new release: does not answer within 10 s."
    )


@pytest.mark.parametrize(
    ("status", "said", "is_error"),
    [
        (500, "GET shop.test/orders/: 200 now, 500 with the new release: KeyError: 'a'.", True),
        (404, "GET shop.test/orders/: 200 now, 404 with the new release: KeyError: 'a'.", True),
        (302, "GET shop.test/orders/: 200 now, 302 with the new release.", False),
    ],
)
def test_another_status(status, said, is_error):
    found = compare(visits(), visits(), visits(orders=Visit(status, 0.1, reason="KeyError: 'a'")))
    assert found.lines == [OPEN, said, "Pages: 2 compared."]
    assert found.errors == ([said] if is_error else [])


@pytest.mark.parametrize(("before", "after", "is_said"), [(0.1, 0.7, True), (0.1, 0.5, False), (2.0, 3.0, False)])
def test_much_longer(before, after, is_said):
    found = compare(visits(orders=Visit(200, before)), visits(), visits(orders=Visit(200, after)))
    said = [f"GET shop.test/orders/: {before} s now, {after} s with the new release."]
    assert found.lines[1:-1] == (said if is_said else [])
    assert found.errors == []


@pytest.mark.parametrize("location", ["/accounts/login/?next=/account/", "https://id.example/sign-in", "/x?next=/"])
def test_what_needs_a_login_is_not_compared(location):
    redirect = Visit(302, 0.1, location)
    before = visits() | {LOGIN: redirect}
    found = compare(before, before, visits() | {LOGIN: Visit(500, 0.1)})
    assert found.lines == [OPEN, "Pages: 2 compared, 1 not compared because they need a login."]


def test_a_page_that_fails_now_is_no_new_error():
    failing = Visit(500, 0.1, reason="KeyError")
    found = compare(visits(orders=failing), visits(orders=failing), visits(orders=failing))
    assert found.lines == [OPEN, "Pages: 1 compared."]


def test_a_release_that_works_on_no_copy_is_not_compared():
    failing = visits(Visit(0, 1.0, reason="no cache"), Visit(0, 1.0))
    found = compare(failing, failing, failing)
    assert found.lines == ["Pages were not compared: the release that is served fails on a copy: no cache."]
    assert found.errors == []


def test_many_differences_are_counted():
    pages = {("shop.test", f"/{number}"): GOOD for number in range(15)}
    found = compare(pages, pages, dict.fromkeys(pages, Visit(500, 0.1)))
    assert len(found.errors) == 11
    assert found.errors[-1] == "5 more pages differ in this way."


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/orders/7/", "/orders/7/"),
        ("/login/?token=s3cr3t", "/login/?..."),
        ("/reset/Mg/c4f2n1-3f1c9f0de4b85a6f2c1d7e8f9a0b1c2d/", "/reset/Mg/c4f2n1.../"),
    ],
)
def test_secrets_of_visitors_are_not_shown(path, shown):
    page = ("shop.example.com", path)
    found = compare({page: Visit(200, 0.1)}, {page: Visit(200, 0.1)}, {page: Visit(500, 0.1)})
    assert found.errors == [f"GET shop.example.com{shown}: 200 now, 500 with the new release."]

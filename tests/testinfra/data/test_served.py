"""The app keeps rows in its database."""

from uuid import uuid4


def test_a_row_that_a_visitor_writes_is_read_by_the_next(ledger):
    text = uuid4().hex
    assert ledger.get(f"/add/{text}").status == 200
    assert text in ledger.get("/").json()["entries"]

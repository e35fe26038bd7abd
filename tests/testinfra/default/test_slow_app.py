"""nginx waits for a slow page as long as the site says, and then sends the 504 page."""

import time
from concurrent.futures import ThreadPoolExecutor

# proxy_read_timeout of the guestbook in the scenario's inventory
TIMEOUT = 10


def test_a_slow_page_within_the_timeout_is_sent(guestbook):
    assert guestbook.get("/sleep?seconds=2").status == 200


def test_a_page_over_the_timeout_gets_the_504_page(guestbook):
    began = time.monotonic()
    # The app would answer in the end, in less time than the visitor has.
    answer = guestbook.get(f"/sleep?seconds={TIMEOUT + 25}")
    took = time.monotonic() - began
    assert answer.status == 504
    assert answer.title() == "Taking too long"
    assert took > TIMEOUT - 1


def test_a_slow_page_delays_no_other_request(guestbook, stylesheet):
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(guestbook.get, f"/sleep?seconds={TIMEOUT // 2}")
        assert guestbook.get("/healthz").status == 200
        assert guestbook.get(stylesheet).status == 200
        assert not slow.done()
        assert slow.result().status == 200

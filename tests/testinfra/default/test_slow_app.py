"""nginx waits for a slow page as long as the site says, and then tells the visitor."""

import time
from concurrent.futures import ThreadPoolExecutor

# proxy_read_timeout of the guestbook in the scenario's inventory
TIMEOUT = 5


def test_a_page_that_is_slow_but_in_time_comes(guestbook):
    assert guestbook.get(f"/sleep?seconds={TIMEOUT - 3}").status == 200


def test_a_page_that_takes_too_long_ends_in_a_page_that_says_so(guestbook):
    began = time.monotonic()
    # The app would answer in the end, in less time than the visitor has.
    answer = guestbook.get(f"/sleep?seconds={TIMEOUT + 25}")
    took = time.monotonic() - began
    assert answer.status == 504
    assert answer.title() == "Taking too long"
    assert took > TIMEOUT - 1


def test_a_slow_page_holds_up_nobody_else(guestbook, stylesheet):
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(guestbook.get, f"/sleep?seconds={TIMEOUT - 1}")
        assert guestbook.get("/healthz").status == 200
        assert guestbook.get(stylesheet).status == 200
        assert not slow.done()
        assert slow.result().status == 200

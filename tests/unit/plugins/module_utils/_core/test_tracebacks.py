"""Tracebacks in a log."""

from __future__ import annotations

import json

from ansible_collections.gatehouse.django.plugins.module_utils._core import tracebacks

VIEW = """Internal Server Error: /boom/
Traceback (most recent call last):
  File "/srv/shop/releases/a-1/venv/lib/python3.13/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
  File "/srv/shop/releases/a-1/project/shop/urls.py", line 33, in <lambda>
    path("boom/", lambda request: HttpResponse(1 / 0)),
                                               ~~^~~
  File "/srv/shop/releases/a-1/venv/lib/python3.13/site-packages/django/http.py", line 9, in give_up
    raise
ZeroDivisionError: division by zero
"""
BOOT = """Traceback (most recent call last):
  File "/srv/shop/venvs/f00/lib/python3.13/site-packages/gunicorn/arbiter.py", line 3, in halt
    raise HaltServer
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""


def last(text):
    return tracebacks.last_exception(tracebacks.lines_of(text))


def test_the_last_exception_with_its_place_in_the_project():
    assert last(VIEW) == "ZeroDivisionError: division by zero (shop/urls.py, line 33)"


def test_an_exception_outside_of_the_project_has_the_last_place():
    other = VIEW.replace("/project/shop", "/usr/lib").replace("ZeroDivisionError", "shop.models.Shop.DoesNotExist")
    assert last(other) == "shop.models.Shop.DoesNotExist: division by zero (django/http.py, line 9)"


def test_gunicorns_own_exception_explains_nothing():
    assert last(VIEW + BOOT) == last(VIEW)
    assert last(BOOT) == ""
    assert last("Traceback (most recent call last):\n  cut") == ""


def test_a_traceback_in_a_line_of_json():
    line = json.dumps({"level": "ERROR", "exc_info": VIEW.partition("\n")[2].rstrip()})
    assert last(line).startswith("ZeroDivisionError: division by zero")
    assert last(line).endswith("(shop/urls.py, line 33)")


def test_each_traceback_is_shown_once():
    other = VIEW.replace("line 33", "line 34")
    shown = tracebacks.without_repeats(f"start\n{VIEW}{VIEW}{other}{VIEW}Traceback (most recent call last):\n  cut")
    assert shown.splitlines()[0] == "start"
    assert shown.count("line 33") == 1
    assert shown.count("line 34") == 1
    assert shown.count("Internal Server Error") == 2
    assert shown.endswith("  cut\n(2 more times: ZeroDivisionError: division by zero)")
    assert tracebacks.without_repeats("one\ntwo\n") == "one\ntwo"


def test_a_chain_of_exceptions_is_shown_once():
    other = VIEW.partition("\n")[2].replace("33", "34")
    chain = f"{VIEW}\nDuring handling of the above exception, another exception occurred:\n\n{other}"
    shown = tracebacks.without_repeats(f"start\n{chain}{chain}end\n")
    assert shown.startswith(f"start\n{chain}end\n(once more: ZeroDivisionError")


def test_gunicorns_own_traceback_is_not_shown():
    ended = "[2026-11-23 01:00:00 +0000] [7] [ERROR] Worker (pid:8) exited with code 3."
    chain = f"{BOOT}\nDuring handling of the above exception, another exception occurred:\n\n{BOOT}"
    assert tracebacks.without_repeats(f"{VIEW}{ended}\n{chain}end\n") == f"{VIEW}{ended}\nend"

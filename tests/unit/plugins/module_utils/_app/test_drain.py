"""What is said of requests that run on a host that is drained, and what the host remembers."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import drain, drained
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools

# As ss(8) of Debian 12 and 13 prints it.
CONNECTIONS = """0      0      [::ffff:10.0.0.11]:80 [::ffff:10.0.0.10]:51234
\t cubic wscale:7,7 rto:204 bytes_sent:120 bytes_received:300 lastsnd:61000 lastrcv:42000 lastack:42000 rcv_space:14480
0      0          10.0.0.11:80       10.0.0.10:51236
\t cubic wscale:7,7 rto:204 bytes_sent:120 lastsnd:3000 lastrcv:4000 lastack:3000
0      0          10.0.0.11:80       10.0.0.99:51236
\t cubic wscale:7,7 rto:204 lastsnd:3000 lastrcv:4000 lastack:3000
"""


def test_the_requests_of_balancers_are_named():
    tools = Tools(lambda argv, **_options: (0, CONNECTIONS, ""), {})
    assert drain.requests(tools, ["10.0.0.10"]) == [
        "a page that the app has not answered for 42 s (balancer 10.0.0.10)",
        "a websocket, a download or a stream, last used 3 s ago (balancer 10.0.0.10)",
    ]


def test_the_host_remembers_what_ran_on_it_alone(tmp_path):
    path = str(tmp_path / "state" / "drained.json")
    assert not drained.is_drained(path)
    assert drained.read(path) is None
    drained.mark(["shop"], path)
    first = drained.read(path)
    # A run that was interrupted has stopped it already.
    drained.mark([], path)
    assert drained.read(path) == first
    assert first is not None
    assert first["once"] == ["shop"]
    drained.end(path)
    assert not drained.is_drained(path)


@pytest.mark.parametrize("text", ["", "{}", "[]"])
def test_a_damaged_mark_is_a_mark(tmp_path, text):
    path = tmp_path / "drained.json"
    path.write_text(text)
    assert drained.is_drained(str(path))
    assert drained.read(str(path)) == {"since": "", "user": "", "once": []}


def test_a_host_that_is_back_takes_what_runs_on_one_host_before_the_mark_is_removed(monkeypatch):
    """A run that is killed in between is repeated, and knows from the mark what ran there."""
    done = []
    host = drain.Host(Tools(lambda argv, **_options: (0, "", ""), {}), [])
    monkeypatch.setattr(drain.Host, "start", lambda _host, once: done.append(tuple(once)))
    monkeypatch.setattr(drained, "end", lambda: done.append("unmarked"))
    drain.end(host, ["shop"])
    assert done == [("shop",), "unmarked"]


def test_a_host_takes_what_runs_on_one_host_of_the_named_apps(monkeypatch):
    taken = []
    monkeypatch.setattr(drain.runs_once, "take", lambda _tools, units: taken.append(units.app.name))
    monkeypatch.setattr(drain, "locked", lambda _name: nullcontext())
    units = [SimpleNamespace(app=SimpleNamespace(name=name, current=lambda: "r1")) for name in ("shop", "blog")]
    for one in units:
        one.processes = one.timers = lambda _files: []
    host = drain.Host(Tools(lambda argv, **_options: (0, "", ""), {}), [])
    monkeypatch.setattr(drain.Host, "units", lambda _host: [(one, {}) for one in units])
    host.start(["shop"])
    assert taken == ["shop"]

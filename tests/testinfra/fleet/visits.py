"""Requests of a visitor to the balancer, over TLS."""

import re
import threading
from contextlib import contextmanager

from helpers import tls
from helpers.hosts import eventually

NAME = "guestbook.example.test"
# Enough to meet each host several times.
MANY = 12
# Longer than it takes from the start of a play that drains a host until the balancer is changed.
SLOW = 15
STATIC = re.compile(r"/static/[^\"]+")


def ip_address(host):
    return host.check_output("hostname --all-ip-addresses").split()[0]


def get(address, path, method="GET", **headers):
    """The answer of the balancer, over a connection of its own."""
    return tls.get(address, NAME, path, tls.trusting(), method, **headers)


def nodes(address, count=MANY):
    """The web hosts that answer."""
    answers = [get(address, "/whoami") for _number in range(count)]
    assert {answer.status for answer in answers} == {200}
    return {answer.json()["node"] for answer in answers}


def nodes_after_a_death(address, web_hosts):
    """The web hosts that answer: a host that could not answer in a test before seems dead for ten seconds."""
    return eventually(lambda: nodes(address), until=lambda found: found == set(web_hosts))


@contextmanager
def visitors(address):
    """Visitors who read, write, ask for slow pages and for pages with their files; what each request was answered, the
    status or an error.
    """
    answers, stop = [], threading.Event()

    def ask(path, method="GET"):
        try:
            answer = get(address, path, method)
        except OSError as error:
            answers.append((method, path, repr(error)))
            return b""
        answers.append((method, path, answer.status))
        return answer.body

    def read(path):
        for file in STATIC.findall(ask(path).decode()):
            ask(file)

    def visit(request, *words):
        while not stop.is_set():
            request(*words)
            stop.wait(0.1)

    # Django answers 403 to a form without a token: the app got it.
    asked = [(ask, "/whoami"), (ask, "/", "POST"), *[(ask, f"/sleep?seconds={SLOW}")] * 2, (read, "/")]
    threads = [threading.Thread(target=visit, args=one) for one in asked]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def failed(answers):
    return [one for one in answers if one[2] != (403 if one[0] == "POST" else 200)]

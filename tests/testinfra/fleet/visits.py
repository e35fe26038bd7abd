"""Requests of a visitor to the balancer, over TLS."""

from helpers import tls
from helpers.hosts import eventually

NAME = "guestbook.example.test"
# Enough to meet each host several times.
MANY = 12


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

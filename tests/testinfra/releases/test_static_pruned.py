"""A static file goes with the last release that carries it."""

import re

from helpers.hosts import eventually
from helpers.http import Visitor
from helpers.steady import deploy, site_of


def stylesheet(visitor):
    return re.search(r'"(/static/[^"]+\.[0-9a-f]{12}\.css)"', visitor.get("/page").text).group(1)


def test_a_file_goes_with_the_release_that_made_it(host, address, variant):
    visitor = Visitor(address, site_of("steady"))
    path = stylesheet(visitor)
    assert visitor.get(path).status == 200
    for _release in range(3):
        deploy(host, variant(), keep_releases=2)
    # nginx keeps files open for a moment.
    eventually(lambda: visitor.get(path).status == 404)
    assert visitor.get(stylesheet(visitor)).status == 200

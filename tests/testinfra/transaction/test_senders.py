"""Two applications under one name: neither can have nginx send the protected files of the other."""

import pytest
from helpers.sites import extra

FILES = "/srv/senders-files"
HOME, SHOP = "http://127.0.0.1:8101", "http://127.0.0.1:8102"


def application(name, port, target):
    """A server in place of an application that answers each request with the path of a file."""
    snippet = f"location = /ask {{ add_header X-Accel-Redirect {target}; return 200; }} rewrite ^/shop/ /ask;"
    return extra(name=name, listen=[f"127.0.0.1:{port}"], snippet=snippet)


@pytest.fixture
def published(driver, undo):
    def publish(target):
        places = [{"path": "/", "proxy_pass": HOME}, {"path": "/shop/", "proxy_pass": SHOP}]
        files = [
            {"path": f"{at}files/", "alias": f"{FILES}{at}", "internal": True, "sent_by": sender}
            for at, sender in (("/", HOME), ("/shop/", SHOP))
        ]
        apps = [application("home", 8101, target), application("other", 8102, target)]
        result = driver.publish(extra(snippet=None, locations=[*places, *files]), *apps)
        assert not result["failed"], result["msg"]

    driver.shell(f"mkdir -p {FILES}/shop && echo of home > {FILES}/a.txt && echo of shop > {FILES}/shop/a.txt")
    undo(f"rm -r {FILES}")
    return publish


@pytest.mark.parametrize(("target", "words"), [("/files/a.txt", "of home"), ("/shop/files/a.txt", "of shop")])
def test_an_application_sends_its_own_files_only(published, extra, target, words):
    published(target)
    answers = {path: extra.get(path) for path in ("/ask", "/shop/ask")}
    own, other = ("/ask", "/shop/ask") if words == "of home" else ("/shop/ask", "/ask")
    assert (answers[own].status, answers[own].text.strip()) == (200, words)
    assert answers[other].status == 404
    assert words not in answers[other].text
    # No visitor gets it without an application.
    assert extra.get(target).status == 404

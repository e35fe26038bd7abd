"""An app under WSGI works on as many requests at once as it has threads. The others wait, and are answered."""

from concurrent.futures import ThreadPoolExecutor

from helpers.http import Visitor

THREADS = 4  # django_app_threads
TIMES = 3


def test_requests_wait_for_a_thread(host, address):
    workers = int(host.check_output("nproc")) + 1
    visitor = Visitor(address, "slow.example.test", 8080)
    many = TIMES * THREADS * workers
    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(lambda _number: visitor.get("/slow?seconds=1"), range(many)))
    assert [one.status for one in answers] == [200] * many

"""What a client may do over one connection."""

import http.client


def test_a_connection_ends_after_a_thousand_requests(address):
    connection = http.client.HTTPConnection(address, timeout=60)
    answers = 0
    for _number in range(1001):
        connection.request("HEAD", "/", headers={"Host": "shop.example.test"})
        answer = connection.getresponse()
        answer.read()
        answers += answer.status == 301
        if answer.headers["Connection"] == "close":
            break
    connection.close()
    assert answers == 1000

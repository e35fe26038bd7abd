"""transfer.py PORT NAME upload COUNT: uploads of 10 MB. transfer.py PORT NAME download SECONDS: one slow download."""

import hashlib
import http.client
import json
import sys
import time

PORT, NAME, WHAT, NUMBER = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
SIZE = 10 << 20


def upload():
    body = bytes(range(256)) * (SIZE // 256)
    wanted = hashlib.sha256(body).hexdigest()
    wrong, started = 0, time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    for _number in range(NUMBER):
        connection.request("POST", "/upload/", body, {"Host": NAME})
        wrong += connection.getresponse().read().decode() != wanted
    return {"requests": NUMBER, "seconds": time.perf_counter() - started, "wrong": wrong}


def download():
    """Read 64 MB at a steady pace in NUMBER seconds."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    connection.request("GET", "/static/download.bin", headers={"Host": NAME})
    answer = connection.getresponse()
    length, digest, read = int(answer.headers["Content-Length"]), hashlib.sha256(), 0
    while part := answer.read(64 << 10):
        digest.update(part)
        read += len(part)
        time.sleep(max(0, started + NUMBER * read / length - time.perf_counter()))
    return {"bytes": read, "length": length, "sha256": digest.hexdigest(), "seconds": time.perf_counter() - started}


print(json.dumps(upload() if WHAT == "upload" else download()))

"""Watches a host while something is deployed to it, and tells what it saw when its input ends.

All the time it counts the beats that run, looks for words in the arguments of processes, and sends tasks through the
web.
"""

import http.client
import json
import os
import select
import socket
import sys
import threading
import time

RUN = f"{time.time():.0f}"


class Web(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect("/srv/queue/current/web.sock")


def get(path):
    connection = Web("queue.example.test")
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise OSError(f"{answer.status} for {path}")
    return body


def arguments():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                yield int(pid), file.read()
        except OSError:
            continue


def send(seen, ended):
    while not ended.wait(0.5):
        label = f"{RUN}-{len(seen['sent'])}"
        seen["sent"].append(label)
        try:
            get(f"/send/short/{label}")
        except OSError as error:
            seen["failed"].append(f"{label}: {error!r}")


def look(seen, words):
    now = list(arguments())
    beats = [pid for pid, line in now if b"celery" in line and b"\0beat\0" in line]
    seen["looks"] += 1
    seen["beats"] = sorted({*seen["beats"], *beats})
    seen["most_beats"] = max(seen["most_beats"], len(beats))
    seen["words"] += [word for word in words if any(word.encode() in line for _pid, line in now)]


def main():
    words = json.loads(sys.stdin.readline())
    seen = {"outlast": RUN, "looks": 0, "beats": [], "most_beats": 0, "words": [], "sent": [], "failed": []}
    get(f"/send/outlast/{RUN}")
    while RUN not in get("/rows/outlast").decode():
        time.sleep(0.2)
    print("ready", flush=True)
    ended = threading.Event()
    sender = threading.Thread(target=send, args=(seen, ended))
    sender.start()
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        look(seen, words)
    ended.set()
    sender.join()
    print(json.dumps(seen))


main()

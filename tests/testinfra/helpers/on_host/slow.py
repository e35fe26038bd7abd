"""Holds slow connections to a server of this host, and asks as a good client meanwhile. Prints a result as JSON.

The kinds of slow clients: `headers` and `bodies` send one byte of them every few seconds, `readers` read a response of
1 MB with 1 KB each second, `none` are none. Readers begin a few at a time: what is slow is their reading, and the
application need not make all responses at once. A good client opens a connection for each request; a request that takes
five seconds has failed. Without --seconds there is no good client, slow clients that lose their connection come again,
and all of it ends with the standard input.
"""

import argparse
import asyncio
import json
import resource
import socket
import statistics
import sys
import time

DRIP_SECONDS, TIMEOUT_SECONDS = 3, 5
OPENED_AT_ONCE = 100
# Readers that wait for the first byte, and how long all of them may take for it, in seconds.
READERS_AT_ONCE, READERS_BEGIN = 16, 120
STARTS = {
    "headers": "GET / HTTP/1.1\r\nHost: {name}\r\nX-Slow: ",
    "bodies": "POST {upload} HTTP/1.1\r\nHost: {name}\r\nContent-Length: 1000000\r\n\r\nx",
    "readers": "GET {large} HTTP/1.1\r\nHost: {name}\r\n\r\n",
}


class Crowd:
    """The slow clients, and which of them have a connection."""

    def __init__(self, options):
        self.options, self.held, self.tasks = options, set(), []
        self.turn = asyncio.Semaphore(READERS_AT_ONCE)
        self.start = STARTS.get(options.kind, "").format(**vars(options)).encode()

    async def gather(self):
        for number in range(self.options.count if self.start else 0):
            self.tasks.append(asyncio.create_task(self.stay()))
            if number % OPENED_AT_ONCE == 0:
                await asyncio.sleep(0.05)
        end = time.monotonic() + READERS_BEGIN
        while self.options.kind == "readers" and len(self.held) < self.options.count and time.monotonic() < end:
            await asyncio.sleep(0.1)

    async def stay(self):
        await self.visit()
        while self.options.seconds is None:
            await asyncio.sleep(1)
            await self.visit()

    async def visit(self):
        """Be slow until the server ends the connection."""
        loop, client = asyncio.get_running_loop(), socket.socket()
        client.setblocking(False)
        if self.options.kind == "readers":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            if self.options.kind == "readers":
                await self.read_slowly(loop, client)
                return
            await loop.sock_connect(client, ("127.0.0.1", self.options.port))
            await loop.sock_sendall(client, self.start)
            self.held.add(client)
            while True:
                await asyncio.sleep(DRIP_SECONDS)
                # It is a failure from the second one on, after the server has ended the connection.
                await loop.sock_sendall(client, b"a")
        except OSError:
            pass
        finally:
            self.held.discard(client)
            client.close()

    async def read_slowly(self, loop, client):
        """A client counts as held when it has the first byte of the response. One that gets an error does not count."""
        async with self.turn:
            await loop.sock_connect(client, ("127.0.0.1", self.options.port))
            await loop.sock_sendall(client, self.start)
            if not (await loop.sock_recv(client, 1024)).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
                return
        self.held.add(client)
        while await loop.sock_recv(client, 1024):
            await asyncio.sleep(1)

    async def usual(self, end):
        """How many have a connection, until *end*: nginx ends slow headers all at once, and then they come again."""
        counts = []
        while not end.done():
            counts.append(len(self.held))
            await asyncio.wait([end], timeout=0.5)
        return int(statistics.median(counts))

    async def leave(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def good(options):
    """The seconds that a request takes, None if it is not answered as it should be."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
            writer.write(f"GET {options.path} HTTP/1.1\r\nHost: {options.name}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return None
    right = answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and options.text.encode() in answer
    return time.perf_counter() - began if right else None


async def measure(options):
    """How many good requests failed, and milliseconds of the others."""
    times, end = [], time.perf_counter() + options.seconds
    while time.perf_counter() < end:
        times.append(await good(options))
        await asyncio.sleep(0.02)
    right = sorted(taken for taken in times if taken is not None)
    median, p99 = (1000 * right[int(len(right) * share)] if right else 0 for share in (0.5, 0.99))
    return {"requests": len(times), "failed": len(times) - len(right), "p50": median, "p99": p99}


async def main(options):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(options)
    await crowd.gather()
    # Each has sent its second byte: a server that has no place for a connection has ended it.
    await asyncio.sleep(2 * DRIP_SECONDS + 1 if crowd.tasks else 0)
    held = len(crowd.held)
    print(json.dumps({"held": held}), flush=True)
    if options.seconds is None:
        found = {"held": await crowd.usual(asyncio.create_task(asyncio.to_thread(sys.stdin.read)))}
    else:
        found = await measure(options) | {"held": min(held, len(crowd.held)), "files": hard}
    await crowd.leave()
    print(json.dumps(found))


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("name", help="the host name of the site")
parser.add_argument("kind", choices=["none", *STARTS])
parser.add_argument("count", type=int)
parser.add_argument("--port", type=int, default=80)
parser.add_argument("--seconds", type=float, help="how long the good client asks")
parser.add_argument("--path", default="/", help="what the good client asks for")
parser.add_argument("--text", default="", help="what is in the body of a good response")
parser.add_argument("--upload", default="/upload/", help="where a slow body goes")
parser.add_argument("--large", default="/large/", help="the response of 1 MB")
asyncio.run(main(parser.parse_args()))

"""Holds slow connections to nginx of this host, and measures good requests meanwhile. Prints the result as JSON.

Arguments: the host name, the number of slow connections, the number of good requests, and the text of a good body.
"""

import asyncio
import json
import resource
import sys
import time

ADDRESS = ("127.0.0.1", 80)
AT_ONCE = 4  # good requests
OPENED_AT_ONCE = 50
DRIP_SECONDS = 3.0


async def good(name, body):
    """Seconds that a request takes, None if it is not answered as it should be."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*ADDRESS)
            writer.write(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return None
    return time.monotonic() - began if answer.startswith(b"HTTP/1.1 200 ") and body in answer else None


async def measure(name, count, body):
    """How many of *count* requests fail, and the 99th percentile of the others in milliseconds."""
    left, times = iter(range(count)), []

    async def ask():
        for _number in left:
            times.append(await good(name, body))

    await asyncio.gather(*(ask() for _number in range(AT_ONCE)))
    right = sorted(taken for taken in times if taken is not None)
    p99 = right[int(len(right) * 0.99)] if right else 0.0
    return {"failed": count - len(right), "p99_ms": round(1000 * p99, 1)}


class Slow(asyncio.Protocol):
    """A client that never ends the headers of its request."""

    def __init__(self):
        self.is_open = False

    def connection_made(self, transport):
        self.transport, self.is_open = transport, True

    def connection_lost(self, _error):
        self.is_open = False

    def drip(self):
        if self.is_open:
            self.transport.write(b"a")


async def opened(name, limit):
    async with limit:
        try:
            async with asyncio.timeout(10):
                _transport, client = await asyncio.get_running_loop().create_connection(Slow, *ADDRESS)
        except (OSError, TimeoutError):
            return Slow()
        client.transport.write(f"GET / HTTP/1.1\r\nHost: {name}\r\nX-Slow: ".encode())
        return client


async def drip(clients):
    while True:
        await asyncio.sleep(DRIP_SECONDS)
        for client in clients:
            client.drip()


async def main(name, slow, requests, body):
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = await measure(name, requests, body)
    limit = asyncio.Semaphore(OPENED_AT_ONCE)
    clients = await asyncio.gather(*(opened(name, limit) for _number in range(slow)))
    dripping = asyncio.create_task(drip(clients))
    # nginx closes a connection at once for which it has no place.
    await asyncio.sleep(DRIP_SECONDS + 1)
    held_before = sum(client.is_open for client in clients)
    busy = await measure(name, requests, body)
    dripping.cancel()
    held_after = sum(client.is_open for client in clients)
    print(json.dumps({"files": hard, "idle": idle, "busy": busy, "held": min(held_before, held_after)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()))

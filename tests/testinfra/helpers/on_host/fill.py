"""Fills the queue of new connections of a service that is stopped by SIGSTOP, and asks for a page then.

Arguments: the unit, the path of a unix socket or a port, and a host name. Prints how many connections have waited, and
the status of the page, 0 for no answer. A queue of nginx that is full gives none; this waits two seconds for it.
"""

import contextlib
import resource
import socket
import subprocess
import sys

unit, where, name = sys.argv[1:]
family, address = (socket.AF_INET, ("127.0.0.1", int(where))) if where.isdigit() else (socket.AF_UNIX, where)
_soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
waiting = []
status = 0
# An application's queue that is full is a 502, which nginx logs first.
patience = 2 if family == socket.AF_INET else 60
subprocess.run(["systemctl", "kill", "--signal=SIGSTOP", unit], check=True)
try:
    with contextlib.suppress(OSError):  # of a unix socket at once, of TCP after the timeout
        while len(waiting) < 6000:
            client = socket.socket(family)
            client.settimeout(1 if family == socket.AF_INET else 0)
            client.connect(address)
            waiting.append(client)
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", 80), timeout=patience) as visitor:
        visitor.settimeout(patience)
        visitor.sendall(f"GET /healthz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        status = int(visitor.recv(100).split()[1])
finally:
    for client in waiting:
        client.close()
    subprocess.run(["systemctl", "kill", "--signal=SIGCONT", unit], check=True)
print(len(waiting), status)

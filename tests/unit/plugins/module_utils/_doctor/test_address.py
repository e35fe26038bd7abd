"""Whether an application listens on an address."""

from __future__ import annotations

import socket
import subprocess

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import address as addresses
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host


def test_the_error_of_a_connection(tmp_path, doctor_host, monkeypatch):
    # The same command as nginx's workers, but without their user.
    monkeypatch.setattr(Host, "as_worker", lambda host: [])
    host = doctor_host()
    object.__setattr__(host, "run", lambda args: (subprocess.run(args, check=False).returncode, "", ""))
    path = tmp_path / "app.sock"
    assert isinstance(addresses.connection_error(host, f"unix:{path}"), FileNotFoundError)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert isinstance(addresses.connection_error(host, f"unix:{path}"), ConnectionRefusedError)
        server.listen()
        assert addresses.connection_error(host, f"unix:{path}") is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert addresses.connection_error(host, address) is None
    assert isinstance(addresses.connection_error(host, address), ConnectionRefusedError)
    assert isinstance(addresses.connection_error(host, "127.0.0.1:nonsense"), ValueError)

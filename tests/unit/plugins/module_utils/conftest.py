"""What several tests of the doctor ask for."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import look


@pytest.fixture
def doctor_host(tmp_path):
    """doctor_host(text of the http block, what commands answer...): a host whose nginx has that configuration.

    A command is answered by the first of *answers* whose words are all in it: (words, output) or (words, output, rc).
    """

    def doctor_host(text="", *answers, master=7, own="192.0.2.1 2001:db8::1"):
        path = tmp_path / "nginx.conf"
        path.write_text(f"http {{\n{text}\n}}\n")
        known = [*answers, ("hostname", own)]

        def run(args, **_stdin):
            asked.append(args)
            for words, out, *rc in known:
                if all(word in " ".join(args) for word in words.split()):
                    return (rc[0] if rc else 0), out, ""
            return 0, "", ""

        asked: list[list[str]] = []
        nginx = {
            **{"conf_path": str(path), "conf_dir": str(tmp_path), "user": "www-data", "installed": True},
            **{"error_log_path": str(tmp_path / "error.log"), "pid_path": "/run/nginx.pid", "path": "/usr/sbin/nginx"},
        }
        host = look(run, nginx, master)
        asked.clear()
        # What was asked of the host, for tests that look at it.
        object.__setattr__(host, "commands", asked)
        return host

    return doctor_host

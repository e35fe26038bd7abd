# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nginx of a host is, and what of it is running."""

from __future__ import annotations

import os
import pwd
import re
import time
from pathlib import Path
from typing import Any

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.modules import loaded_modules

# What the distribution's package will bring where nginx is not installed yet (check mode on a fresh host).
EXPECTED: dict[str, Any] = {
    "version": None,
    "configure_arguments": [],
    "conf_path": "/etc/nginx/nginx.conf",
    "pid_path": "/run/nginx.pid",
    "error_log_path": "/var/log/nginx/error.log",
    "openssl_version": None,
    "gzip_static": True,
    "brotli_static": False,
}


def describe(run: Run, binary: str | None, manage: str | None = None) -> dict[str, Any]:
    """The facts that templates and transaction need; *binary* is the path of nginx, None where there is none.

    *manage* is the wish about nginx.conf that goes with what is to be rendered: another nginx.conf loads other modules.
    """
    host = dict(EXPECTED, installed=binary is not None, path=binary)
    if binary is not None:
        _rc, out, err = run([binary, "-V"])
        host.update(parse_build(out + err))
    conf_dir = os.path.dirname(host["conf_path"])
    text = _read(host["conf_path"]) + _read(_generation_nginx_conf(conf_dir))
    host.update(
        conf_dir=conf_dir,
        user=_directive("user", text) or host.get("user") or _package_user(),
        pid_path=_directive("pid", text) or host["pid_path"],
        error_log_path=_directive("error_log", text) or host["error_log_path"],
        ipv6=bool(_read("/proc/net/if_inet6")),
    )
    if binary is not None:
        main = _future_nginx_conf(host["conf_path"], conf_dir, manage)
        host["brotli_static"] = "ngx_http_brotli_static_module" in loaded_modules(main, conf_dir)
    return host


def parse_build(text: str) -> dict[str, Any]:
    """What ``nginx -V`` says of the build: its version, and the configure arguments that have a meaning here."""
    version = re.search(r"nginx version: \S+?/([0-9.]+)", text)
    # "built with OpenSSL 3.0.15 ... (running with OpenSSL 3.0.17 ...)": the last one is what it has.
    openssl = re.findall(r"with OpenSSL ([0-9.]+)", text)
    line = re.search(r"configure arguments:(.*)", text)
    arguments = re.findall(r"--[\w-]+(?:=(?:'[^']*'|\S*))?", line[1]) if line else []
    values = dict(argument.partition("=")[::2] for argument in arguments)
    found: dict[str, Any] = {
        "version": version[1] if version else None,
        "configure_arguments": arguments,
        "openssl_version": openssl[-1] if openssl else None,
        "gzip_static": "--with-http_gzip_static_module" in values,
    }
    for option, key in (
        ("--conf-path", "conf_path"),
        ("--pid-path", "pid_path"),
        ("--error-log-path", "error_log_path"),
        ("--user", "user"),
    ):
        if values.get(option):
            found[key] = values[option]
    return found


def _generation_nginx_conf(conf_dir: str) -> str:
    """The nginx.conf of the live generation; of the one that takes its place where the link is lost."""
    try:
        return f"{generation.directory(conf_dir, generation.base_number(conf_dir))}/nginx.conf"
    except (OSError, ValueError):
        return f"{generation.link(conf_dir)}/nginx.conf"


def _future_nginx_conf(path: str, conf_dir: str, manage: str | None) -> str:
    """The nginx.conf that there will be."""
    if manage == "always":
        return f"include {conf_dir}/modules-enabled/*.conf;"
    text = _read(path)
    if manage == "never" and f"include {conf_dir}/gatehouse/live/nginx.conf;" in text:
        return _read(f"{conf_dir}/gatehouse/nginx.conf.original")
    return text


def master_pid(run: Run, pid_path: str) -> int | None:
    """The process id of the running nginx master, None where nginx does not run."""
    rc, out, _err = run(["systemctl", "show", "--property=MainPID", "--value", "nginx.service"])
    pid = out.strip() if rc == 0 and out.strip() not in ("", "0") else _read(pid_path).strip()
    if pid.isdigit() and process_title(int(pid)).startswith("nginx: master process"):
        return int(pid)
    return None


def worker_pids(master: int) -> set[int]:
    """The worker processes of *master* that take new connections."""
    workers = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        stat = _stat(int(entry.name))
        if stat and stat[1] == str(master):
            title = process_title(int(entry.name))
            if title.startswith("nginx: worker process") and "shutting down" not in title:
                workers.add(int(entry.name))
    return workers


def started(pid: int) -> float:
    """When *pid* started, in seconds since the epoch; 0.0 for a process that is gone."""
    stat = _stat(pid)
    if not stat:
        return 0.0
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age


def process_title(pid: int) -> str:
    """The command line of *pid* as nginx sets it, empty for a process that is gone."""
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def _stat(pid: int) -> list[str]:
    # proc(5): the fields after the command, which stands in parentheses: state, parent, ... start time.
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _directive(name: str, text: str) -> str | None:
    match = re.search(rf"^\s*{name}\s+([^\s;]+)", text, re.MULTILINE)
    return match[1] if match else None


def _package_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("www-data", "nginx") if name in known), "www-data")

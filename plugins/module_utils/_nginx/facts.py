# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect facts about the nginx of a host and its processes."""

from __future__ import annotations

import os
import pwd
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import NGINX_DIRECTORY, NGINX_LOGS, NGINX_PID
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import file_limit, generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.modules import loaded_modules
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts

CLOCKS_APART_SECONDS = 0.001


class Build(TypedDict):
    """What ``nginx -V`` says."""

    version: str | None
    configure_arguments: list[str]
    openssl_version: str | None
    gzip_static: bool
    conf_path: NotRequired[str]
    pid_path: NotRequired[str]
    error_log_path: NotRequired[str]
    user: NotRequired[str]


# The facts of the distribution's package, for a host without nginx (check mode on a fresh host).
EXPECTED: NginxFacts = {
    "installed": False,
    "path": None,
    "version": None,
    "configure_arguments": [],
    "conf_path": f"{NGINX_DIRECTORY}/nginx.conf",
    "conf_dir": NGINX_DIRECTORY,
    "pid_path": NGINX_PID,
    "error_log_path": f"{NGINX_LOGS}/error.log",
    "user": "www-data",
    "openssl_version": None,
    "gzip_static": True,
    "brotli_static": False,
    "ipv6": False,
    "open_files": file_limit.UNIT_LIMIT,
    "somaxconn": 4096,
}


def describe(run: Run, binary: str | None, manage: str | None = None) -> NginxFacts:
    """Collect the facts that templates and transaction need.

    *binary* is the path of nginx, None if it is not installed. *manage* is the option of nginx.conf for the files
    that are to be rendered: another nginx.conf loads other modules.
    """
    if binary is None:
        build: Build = {
            "version": EXPECTED["version"],
            "configure_arguments": EXPECTED["configure_arguments"],
            "openssl_version": EXPECTED["openssl_version"],
            "gzip_static": EXPECTED["gzip_static"],
        }
    else:
        _rc, out, err = run([binary, "-V"])
        build = parse_build(out + err)
    conf_path = build.get("conf_path", EXPECTED["conf_path"])
    conf_dir = os.path.dirname(conf_path)
    text = _read(conf_path) + _read(_generation_nginx_conf(conf_dir))
    pid_path = _directive("pid", text) or build.get("pid_path", EXPECTED["pid_path"])
    brotli_static = False
    if binary is not None:
        main = _future_nginx_conf(conf_path, conf_dir, manage)
        brotli_static = "ngx_http_brotli_static_module" in loaded_modules(main, conf_dir)
    return {
        "installed": binary is not None,
        "path": binary,
        "version": build["version"],
        "configure_arguments": build["configure_arguments"],
        "conf_path": conf_path,
        "conf_dir": conf_dir,
        "pid_path": pid_path,
        "error_log_path": _directive("error_log", text) or build.get("error_log_path", EXPECTED["error_log_path"]),
        "user": _directive("user", text) or build.get("user") or _package_user(),
        "openssl_version": build["openssl_version"],
        "gzip_static": build["gzip_static"],
        "brotli_static": brotli_static,
        "ipv6": bool(_read("/proc/net/if_inet6")),
        "open_files": file_limit.available(lambda: master_pid(run, pid_path) if binary else None),
        "somaxconn": int(_read("/proc/sys/net/core/somaxconn") or EXPECTED["somaxconn"]),
    }


def parse_build(text: str) -> Build:
    """Parse the output of ``nginx -V``: the version, and the configure arguments that Gatehouse uses."""
    version = re.search(r"nginx version: \S+?/([0-9.]+)", text)
    # "built with OpenSSL 3.0.15 ... (running with OpenSSL 3.0.17 ...)": the last one is in use.
    openssl = re.findall(r"with OpenSSL ([0-9.]+)", text)
    line = re.search(r"configure arguments:(.*)", text)
    arguments = re.findall(r"--[\w-]+(?:=(?:'[^']*'|\S*))?", line[1]) if line else []
    values = dict(argument.partition("=")[::2] for argument in arguments)
    build: Build = {
        "version": version[1] if version else None,
        "configure_arguments": arguments,
        "openssl_version": openssl[-1] if openssl else None,
        "gzip_static": "--with-http_gzip_static_module" in values,
    }
    if conf_path := values.get("--conf-path"):
        build["conf_path"] = conf_path
    if pid_path := values.get("--pid-path"):
        build["pid_path"] = pid_path
    if error_log_path := values.get("--error-log-path"):
        build["error_log_path"] = error_log_path
    if user := values.get("--user"):
        build["user"] = user
    return build


def _generation_nginx_conf(conf_dir: str) -> str:
    """The nginx.conf of the live generation, or of the generation that replaces it if the link is lost."""
    try:
        return f"{generation.directory(conf_dir, generation.base_number(conf_dir))}/nginx.conf"
    except (OSError, ValueError):
        return f"{generation.link(conf_dir)}/nginx.conf"


def _future_nginx_conf(path: str, conf_dir: str, manage: str | None) -> str:
    """The text of the nginx.conf that will be live after this run."""
    if manage == "always":
        return f"include {conf_dir}/modules-enabled/*.conf;"
    text = _read(path)
    if manage == "never" and f"include {conf_dir}/gatehouse/live/nginx.conf;" in text:
        return _read(f"{conf_dir}/gatehouse/nginx.conf.original")
    return text


def nginx_program(get_bin_path: Callable[..., str | None]) -> str | None:
    """Return the path of nginx, None without it. *get_bin_path* is that of AnsibleModule."""
    return get_bin_path("nginx", opt_dirs=["/usr/sbin", "/sbin"])


def master_pid(run: Run, pid_path: str) -> int | None:
    """The process id of the nginx master, None if nginx is not running."""
    rc, out, _err = run(["systemctl", "show", "--property=MainPID", "--value", "nginx.service"])
    pid = out.strip() if rc == 0 and out.strip() not in ("", "0") else _read(pid_path).strip()
    if pid.isdigit() and process_title(int(pid)).startswith("nginx: master process"):
        return int(pid)
    return None


def worker_pids(master: int) -> set[int]:
    """The worker processes of *master* that accept connections."""
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
    """When *pid* started, in seconds since the epoch by the present clock; 0.0 for a process that is gone."""
    since_boot = started_since_boot(pid)
    return _boot_time() + since_boot if since_boot else 0.0


def _boot_time() -> float:
    """When the host was booted, in seconds since the epoch by the present clock.

    The two clocks are read one after the other. On a busy host this process can wait in between, so read them again.
    """
    while True:
        before, now = time.clock_gettime(time.CLOCK_BOOTTIME), time.time()
        if time.clock_gettime(time.CLOCK_BOOTTIME) - before < CLOCKS_APART_SECONDS:
            return now - before


def started_since_boot(pid: int) -> float:
    """When *pid* started, in seconds since the boot, which no clock change affects; 0.0 for a process that is gone."""
    stat = _stat(pid)
    return int(stat[19]) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def process_title(pid: int) -> str:
    """The command line of *pid* as nginx sets it, empty if the process has ended."""
    return _read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()


def _stat(pid: int) -> list[str]:
    # proc(5): the fields after the command in parentheses: state, parent, ... start time.
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _directive(name: str, text: str) -> str | None:
    match = re.search(rf"^\s*{name}\s+([^\s;]+)", text, re.MULTILINE)
    return match[1] if match else None


def group_of(user: str) -> int:
    """The group of nginx's workers, 0 if the host has no such user: nginx would not start then."""
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError:
        return 0


def _package_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("www-data", "nginx") if name in known), "www-data")

"""Parsing nginx -V, and the facts of a host."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts

DEBIAN = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fstack-protector-strong' \
--prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--pid-path=/run/nginx.pid --error-log-path=stderr --with-http_gzip_static_module
"""


def test_build():
    build = facts.parse_build(DEBIAN)
    assert build["version"] == "1.22.1"
    assert build["conf_path"] == "/etc/nginx/nginx.conf"
    assert build["pid_path"] == "/run/nginx.pid"
    assert build["gzip_static"] is True
    assert build["openssl_version"] == "3.0.8"
    assert "--with-cc-opt='-g -O2 -fstack-protector-strong'" in build["configure_arguments"]


def test_a_build_without_gzip_static():
    assert facts.parse_build("nginx version: nginx/1.30.0\nconfigure arguments: --user=nginx\n") == {
        "version": "1.30.0",
        "configure_arguments": ["--user=nginx"],
        "openssl_version": None,
        "gzip_static": False,
        "user": "nginx",
    }


def test_the_openssl_that_it_runs_with():
    line = "built with OpenSSL 3.5.1 1 Jul 2025 (running with OpenSSL 3.5.4 30 Sep 2025)\n"
    assert facts.parse_build(line)["openssl_version"] == "3.5.4"


def test_the_time_of_a_start_on_a_busy_host(monkeypatch):
    """This process waits for five seconds after it has read the first clock."""
    boot, epoch = iter([100.0, 105.0, 105.0, 105.0001]), iter([1105.0, 1105.0])
    clocks = {"CLOCK_BOOTTIME": 7, "clock_gettime": lambda clock: next(boot), "time": lambda: next(epoch)}
    monkeypatch.setattr(facts, "time", SimpleNamespace(**clocks))
    monkeypatch.setattr(facts, "started_since_boot", lambda pid: 20.0)
    assert facts.started(1) == 1020.0


def test_without_nginx_the_facts_are_those_of_the_package(monkeypatch):
    monkeypatch.setattr(facts, "_read", lambda path: "")
    host = facts.describe(lambda command: (127, "", ""), None)
    assert (host["installed"], host["conf_dir"], host["ipv6"]) == (False, "/etc/nginx", False)


def test_paths_and_user_come_from_the_configuration(monkeypatch):
    files = {"/etc/nginx/nginx.conf": "user web;\npid /run/web.pid;\nerror_log /var/log/web.log warn;\n"}
    monkeypatch.setattr(facts, "_read", lambda path: files.get(path, ""))
    host = facts.describe(lambda command: (0, "", DEBIAN), "/usr/sbin/nginx")
    assert (host["user"], host["pid_path"], host["error_log_path"]) == ("web", "/run/web.pid", "/var/log/web.log")


@pytest.fixture
def brotli(tmp_path):
    """brotli(nginx.conf, manage): whether the templates are told that nginx has the module."""
    (tmp_path / "modules-enabled").mkdir()
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "modules-enabled" / "50-mod-http-brotli-static.conf").write_text(
        "load_module modules/ngx_http_brotli_static_module.so;"
    )
    build = f"nginx version: nginx/1.26.3\nconfigure arguments: --conf-path={tmp_path}/nginx.conf"

    def describe(text, manage=None, original=""):
        (tmp_path / "nginx.conf").write_text(text.replace("CONF", str(tmp_path)))
        (tmp_path / "gatehouse" / "nginx.conf.original").write_text(original)
        return facts.describe(lambda command: (0, "", build), "/usr/sbin/nginx", manage)["brotli_static"]

    return describe


OURS = "include CONF/gatehouse/live/nginx.conf;\ninclude modules-enabled/*.conf;\n"
DEBIANS = "include CONF/modules-enabled/*.conf;\nevents {}\n"
OWN = "load_module modules/ngx_http_brotli_static_module.so;\nevents {}\n"


@pytest.mark.parametrize("manage", [None, "auto", "never", "always"])
def test_brotli_as_debians_package_brings_it(brotli, manage):
    assert brotli(DEBIANS, manage)


def test_an_nginx_conf_without_the_module(brotli):
    """Taken over, it is one that loads what is enabled."""
    assert not brotli("events {}", "auto")
    assert brotli("events {}", "always")


def test_an_nginx_conf_that_loads_the_module_itself(brotli):
    assert brotli(OWN, "never")


def test_an_nginx_conf_that_is_given_back(brotli):
    assert brotli(OURS, "auto")
    assert not brotli(OURS, "never", original="events {}")
    assert brotli(OURS, "never", original=OWN)
    # It was given back long ago.
    assert brotli(OWN, "never", original="events {}")

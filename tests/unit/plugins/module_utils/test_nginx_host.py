"""What is read out of nginx -V."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.module_utils import _nginx_host as nginx

DEBIAN = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.8 7 Feb 2023
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2 -fstack-protector-strong' \
--prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf \
--pid-path=/run/nginx.pid --error-log-path=stderr --with-http_gzip_static_module
"""


def test_build():
    build = nginx.parse_build(DEBIAN)
    assert build["version"] == "1.22.1"
    assert build["conf_path"] == "/etc/nginx/nginx.conf"
    assert build["pid_path"] == "/run/nginx.pid"
    assert build["gzip_static"] is True
    assert "--with-cc-opt='-g -O2 -fstack-protector-strong'" in build["configure_arguments"]


def test_a_build_without_gzip_static():
    assert nginx.parse_build("nginx version: nginx/1.30.0\nconfigure arguments: --user=nginx\n") == {
        "version": "1.30.0",
        "configure_arguments": ["--user=nginx"],
        "gzip_static": False,
        "user": "nginx",
    }


def test_no_nginx_gives_what_the_package_will_bring(monkeypatch):
    monkeypatch.setattr(nginx, "_read", lambda path: "")
    host = nginx.describe(lambda command: (127, "", ""), None)
    assert (host["installed"], host["conf_dir"], host["ipv6"]) == (False, "/etc/nginx", False)


def test_paths_and_user_come_from_the_configuration(monkeypatch):
    files = {"/etc/nginx/nginx.conf": "user web;\npid /run/web.pid;\nerror_log /var/log/web.log warn;\n"}
    monkeypatch.setattr(nginx, "_read", lambda path: files.get(path, ""))
    host = nginx.describe(lambda command: (0, "", DEBIAN), "/usr/sbin/nginx")
    assert (host["user"], host["pid_path"], host["error_log_path"]) == ("web", "/run/web.pid", "/var/log/web.log")

"""Changes to the generated configuration that do harm, and the tests that have to notice.

A mutant names the file below the live generation, a text that stands there once, what it is replaced by, and a file
of tests/testinfra/default. One that names a location means the first such text in it.
"""

from dataclasses import dataclass

from ansible_collections.gatehouse.django.plugins.module_utils._nginx import request_headers

SITE = "sites/guestbook.conf"
LOG = "access_log /var/log/nginx/guestbook.access.log gatehouse_json buffer=64k flush=5s;"
TOKENS = "server_tokens off;"
STATIC_LINKS = "        disable_symlinks on from=/srv/guestbook/current;\n"
STATIC = f"location /static/ {{\n        alias /srv/guestbook/current/static/;\n{STATIC_LINKS}        gzip_static on;\n"
NOSNIFF = "        add_header X-Content-Type-Options nosniff;\n"
DATA_LINKS = "        disable_symlinks on from=/srv/guestbook/data;\n"
MEDIA = f"alias /srv/guestbook/data/media/;\n{DATA_LINKS}        gzip_static on;\n"
PROTECTED = f"alias /srv/guestbook/data/protected/;\n{DATA_LINKS}        gzip_static on;\n"
PLAIN = 'proxy_set_header Upgrade "";\n        proxy_set_header Connection "";\n'
RULES = "test_rules.py"
BAD_REQUEST = "rewrite ^ /gatehouse-bad-request last;"
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    text: str
    replacement: str
    noticed_by: str
    location: str = ""

    def __str__(self):
        return self.name

    def fits(self, content):
        """Whether it is clear what it changes."""
        if not self.location:
            return content.count(self.text) == 1
        return (
            content.count(self._begin) == 1 and self.text in content.partition(self._begin)[2].partition("\n    }\n")[0]
        )

    def changed(self, content):
        if not self.location:
            return content.replace(self.text, self.replacement)
        before, begin, after = content.partition(self._begin)
        return before + begin + after.replace(self.text, self.replacement, 1)

    @property
    def _begin(self):
        # Those of the application are no place for regular expressions.
        written = self.location if self.location.startswith("=") else f"^~ {self.location}"
        return f"    location {written} {{\n"


def header(name, value, noticed_by="test_requests.py"):
    """proxy.conf without one of the headers that it sets."""
    return Mutant(f"{name} is passed on", "proxy.conf", f"proxy_set_header {name} {value};\n", "", noticed_by)


MUTANTS = [
    # What Django is told
    Mutant(
        "X-Forwarded-For is appended to", "proxy.conf", "$remote_addr", "$proxy_add_x_forwarded_for", "test_requests.py"
    ),
    Mutant(
        "the Host of the client is passed on", "proxy.conf", "$host$gatehouse_port", "$http_host", "test_requests.py"
    ),
    Mutant("a mapped port is lost", "http.conf", "$gatehouse_host_port;", '"";', "test_requests.py"),
    Mutant(
        "any text is taken for a port",
        "http.conf",
        "(?<gatehouse_host_port>:(?:[1-9]",
        "(?<gatehouse_host_port>:(?:.*|[1-9]",
        "test_requests.py",
    ),
    Mutant("the upstream's name is the Host", "proxy.conf", "$host$gatehouse_port", "$proxy_host", "test_requests.py"),
    header("X-Forwarded-For", "$remote_addr"),
    header("X-Forwarded-Proto", "$scheme"),
    header("X-Request-ID", "$request_id", "test_log.py"),
    *(header(name, '""', "test_sent_to_app.py") for name in request_headers.DROPPED),
    Mutant(
        "headers with underscores are taken",
        "nginx.conf",
        TOKENS,
        f"{TOKENS} underscores_in_headers on;",
        "test_sent_to_app.py",
    ),
    Mutant(
        "any upgrade is passed on",
        SITE,
        PLAIN,
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;\n",
        "test_websocket.py",
        "/",
    ),
    Mutant(
        "a websocket is not upgraded", "http.conf", '"websocket" "upgrade";', '"websocket" "";', "test_websocket.py"
    ),
    Mutant(
        "an idle websocket is cut off",
        SITE,
        "proxy_read_timeout 1h;",
        "proxy_read_timeout 5s;",
        "test_websocket.py",
        "/ws/",
    ),
    # How it is asked
    Mutant(
        "responses are not buffered", "proxy.conf", "proxy_redirect off;", "proxy_buffering off;", "test_buffering.py"
    ),
    Mutant(
        "requests are not buffered",
        "proxy.conf",
        "proxy_redirect off;",
        "proxy_request_buffering off;",
        "test_buffering.py",
    ),
    Mutant("connections to the app are not kept", SITE, "keepalive 32;", "", "test_buffering.py"),
    Mutant("a slow page is waited for too long", SITE, "proxy_read_timeout 10;", "", "test_slow_app.py", "/"),
    Mutant("bodies of any size", SITE, "client_max_body_size 20m;", "client_max_body_size 0;", "test_uploads.py"),
    # Who is answered
    Mutant(
        "the redirect names the host of the client",
        SITE,
        "$scheme://guestbook.example.test",
        "$scheme://$host",
        "test_requests.py",
    ),
    Mutant("the redirect makes a GET of a POST", SITE, "return 308", "return 302", "test_requests.py"),
    Mutant(
        "the redirect forgets the query", SITE, "$gatehouse_port$request_uri", "$gatehouse_port$uri", "test_requests.py"
    ),
    Mutant("the default server answers", "default_server.conf", "return 444;", "return 200;", "test_requests.py"),
    Mutant(
        "there is no default server",
        "nginx.conf",
        "include /etc/nginx/gatehouse/live/default_server.conf;",
        "",
        "test_requests.py",
    ),
    Mutant("the version is told", "server.conf", TOKENS, "server_tokens on;", "test_static_files.py"),
    # Files
    Mutant(
        "a slash is missing after the location", SITE, STATIC, STATIC.replace("c/ {", "c {"), "test_refused_paths.py"
    ),
    Mutant("a slash is missing after the alias", SITE, STATIC, STATIC.replace("c/;", "c;"), "test_static_files.py"),
    Mutant("links of static files are followed", SITE, STATIC, STATIC.replace(STATIC_LINKS, ""), "test_links.py"),
    Mutant("links of uploads are followed", SITE, MEDIA, MEDIA.replace(DATA_LINKS, ""), "test_links.py"),
    Mutant(
        "the directory of uploads may be a link",
        SITE,
        MEDIA,
        MEDIA.replace("data;", "data/media;"),
        "test_links.py",
    ),
    Mutant(
        "links of protected files are followed", SITE, PROTECTED, PROTECTED.replace(DATA_LINKS, ""), "test_links.py"
    ),
    Mutant("directories are listed", SITE, STATIC, f"{STATIC} autoindex on;", "test_static_files.py"),
    Mutant(
        "no file is compressed at build time",
        SITE,
        STATIC,
        STATIC.replace("gzip_static on", "gzip_static off"),
        "test_static_files.py",
    ),
    Mutant("the type of a static file is guessed", SITE, STATIC + NOSNIFF, STATIC, "test_static_files.py"),
    Mutant("the type of an upload is guessed", SITE, MEDIA + NOSNIFF, MEDIA, "test_uploads.py"),
    Mutant("the type of a protected file is guessed", SITE, PROTECTED + NOSNIFF, PROTECTED, "test_protected_media.py"),
    Mutant(
        "static files say nothing to caches",
        SITE,
        "add_header Cache-Control $gatehouse_cache_control;",
        "",
        "test_static_files.py",
    ),
    Mutant(
        "a missing file is kept for a year",
        SITE,
        "Cache-Control $gatehouse_cache_control;",
        "Cache-Control $gatehouse_cache_control always;",
        "test_static_files.py",
    ),
    Mutant(
        "any file is kept for a year",
        "http.conf",
        '"no-cache";',
        '"public, max-age=31536000, immutable";',
        "test_static_files.py",
    ),
    Mutant("an upload says nothing to caches", SITE, "add_header Cache-Control no-cache;", "", "test_uploads.py"),
    Mutant(
        "an upload is kept for a year",
        SITE,
        "Cache-Control no-cache;",
        "Cache-Control $gatehouse_cache_control;",
        "test_uploads.py",
    ),
    Mutant("an upload is a page of the site", SITE, SANDBOX, "default-src 'self'", "test_uploads.py"),
    Mutant("an upload has no policy", SITE, f'add_header Content-Security-Policy "{SANDBOX}";', "", "test_uploads.py"),
    Mutant(
        "protected files may be shared by caches",
        SITE,
        'add_header Cache-Control "private, no-cache";',
        "",
        "test_protected_media.py",
    ),
    Mutant("protected files are for all visitors", SITE, "        internal;\n", "", "test_protected_media.py"),
    Mutant("dotfiles are served", "server.conf", "(?!well-known(?:/|$))", "(?!)", "test_refused_paths.py"),
    Mutant("well-known paths are refused", "server.conf", "(?!well-known(?:/|$))", "", "test_refused_paths.py"),
    Mutant(
        "an application serves no path with a dot", SITE, "location ^~ / {", "location / {", "test_refused_paths.py"
    ),
    Mutant("nginx takes no long URL", "nginx.conf", "buffers 4 32k;", "buffers 4 8k;", "test_sizes.py"),
    Mutant("cookies of a login are too large", "proxy.conf", "buffer_size 32k;", "buffer_size 16k;", "test_sizes.py"),
    Mutant("no file has a content type", "nginx.conf", "include /etc/nginx/mime.types;", "", "test_static_files.py"),
    Mutant(
        "an old file is served for an hour",
        "server.conf",
        "open_file_cache_valid 2s;",
        "open_file_cache_valid 1h;",
        "test_uploads.py",
    ),
    Mutant(
        "an upload is unknown for two seconds after a request for it",
        SITE,
        "Cache-Control no-cache;\n        # The application may create a file at any time.\n"
        "        open_file_cache_errors off;",
        "Cache-Control no-cache;",
        "test_uploads.py",
    ),
    Mutant(
        "double slashes are not merged", "nginx.conf", TOKENS, f"{TOKENS} merge_slashes off;", "test_static_files.py"
    ),
    Mutant("pages are not compressed", "server.conf", "gzip on;", "gzip off;", "test_static_files.py"),
    Mutant("caches mix up encodings", "server.conf", "gzip_vary on;", "gzip_vary off;", "test_static_files.py"),
    # Errors
    Mutant("502 has no page", "server.conf", "error_page 502 /gatehouse-pages/502.html;", "", "test_app_stopped.py"),
    Mutant("504 has no page", "server.conf", "error_page 504 /gatehouse-pages/504.html;", "", "test_slow_app.py"),
    Mutant(
        "a cache keeps the error page",
        "server.conf",
        'add_header Cache-Control "no-store" always;',
        "",
        "test_app_stopped.py",
    ),
    Mutant(
        "robots do not know when to come back",
        "server.conf",
        "add_header Retry-After $gatehouse_page_retry_after always;",
        "",
        "test_app_stopped.py",
    ),
    Mutant(
        "the error pages are pages of the site",
        "server.conf",
        "/gatehouse-pages/ {\n    internal;\n",
        "/gatehouse-pages/ {\n",
        "test_refused_paths.py",
    ),
    # Rules of a path
    Mutant("a network is not asked", SITE, "deny all;", "", RULES, "/guarded/"),
    Mutant("a password is not asked", SITE, "auth_basic ", "#", RULES, "/guarded/"),
    Mutant("a network or a password is enough", SITE, "satisfy all;", "satisfy any;", RULES, "/guarded/"),
    Mutant("a nested path loses its network", SITE, "deny all;", "", RULES, "/guarded/slow/"),
    Mutant("a nested path loses its password", SITE, "auth_basic ", "#", RULES, "/guarded/slow/"),
    Mutant("a path without its slash has no password", SITE, "auth_basic ", "#", RULES, "= /guarded"),
    Mutant("a nested path without its slash has no password", SITE, "auth_basic ", "#", RULES, "= /guarded/slow"),
    Mutant("an opened path opens the others", SITE, BAD_REQUEST, "", RULES, "/guarded/open/"),
    Mutant("the application resolves dots", "proxy.conf", BAD_REQUEST, "", RULES),
    Mutant("encoded dots are none", "proxy.conf", "(?:\\.|%2e)", "\\.", RULES),
    Mutant("encoded slashes are none", "proxy.conf", "(?:/|%2f)(?:\\.", "/(?:\\.", RULES),
    Mutant("a rate is none", SITE, "limit_req zone=", "#", RULES, "/limited/"),
    Mutant("a rate has no burst", SITE, " burst=1", "", RULES, "/limited/"),
    Mutant("a burst waits in a queue", SITE, " nodelay", "", RULES, "/limited/"),
    Mutant("a rate is down for maintenance", SITE, "limit_req_status 429;", "", RULES, "/limited/"),
    Mutant(
        "a client comes back too early",
        SITE,
        "$gatehouse_retry_after 30;",
        "$gatehouse_retry_after 1;",
        RULES,
        "/limited/",
    ),
    Mutant("too many requests have no page", "server.conf", "error_page 429 ", "#", RULES),
    Mutant("the page without a network has none", "server.conf", "error_page 403 ", "#", RULES),
    Mutant("the page without a password has none", "server.conf", "error_page 401 ", "#", RULES),
    Mutant("the page of a large body has none", "server.conf", "error_page 413 ", "#", RULES),
    # The log
    Mutant("a visitor breaks the log", "http.conf", "_json escape=json", "_json escape=none", "test_log.py"),
    Mutant("a visitor breaks the log of files", "http.conf", "_file escape=json", "_file escape=none", "test_log.py"),
    Mutant(
        "the log loses the application's time",
        "http.conf",
        '"upstream_time":"$upstream_response_time"',
        '"upstream_time":""',
        "test_log.py",
    ),
    Mutant("the site has no log", SITE, f"{LOG}\n    client", "access_log off;\n    client", "test_log.py"),
]

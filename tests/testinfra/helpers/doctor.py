"""The host of the scenario `doctor`, and what somebody may write by hand into its nginx."""

NAME = "guestbook.example.test"
# Until the old workers know that they are old, they answer as before.
RELOAD = """
workers() { pgrep --parent "$(cat /run/nginx.pid)" | sort; }
old=$(workers)
systemctl reload nginx
for _ in $(seq 50); do [ -z "$(comm -12 <(echo "$old") <(workers))" ] && exit 0; sleep 0.1; done
exit 0
"""
# With its key.
CERTIFICATE = "/etc/nginx/gatehouse/certificates/guestbook.pem"


def proxied(address, *more, name="hand.example.test", where="/"):
    """A server that hands requests to *address*; *more* are lines of its location."""
    lines = [f"proxy_pass {address};", *more]
    body = "\n        ".join(lines)
    return f"server {{\n    server_name {name};\n    location {where} {{\n        {body}\n    }}\n}}\n"


def tls(name, *lines, pem=CERTIFICATE):
    """A server with TLS that somebody has written by hand."""
    more = "\n    ".join((f"ssl_certificate {pem};", f"ssl_certificate_key {pem};", *lines))
    return f"server {{\n    listen 443 ssl;\n    server_name {name};\n    {more}\n}}\n"

"""The host of the scenario `doctor`, and servers that an operator may add to its nginx by hand."""

NAME = "guestbook.example.test"
# An old worker may answer until it has ended, so this waits for all of them.
RELOAD = """
workers() { pgrep --parent "$(cat /run/nginx.pid)" | sort; }
old=$(workers)
systemctl reload nginx
for _ in $(seq 600); do [ -z "$(comm -12 <(echo "$old") <(workers))" ] && exit 0; sleep 0.1; done
exit 0
"""
# It contains the key.
CERTIFICATE = "/etc/nginx/gatehouse/certificates/guestbook.pem"


def proxied(address, *more, name="hand.example.test", where="/"):
    """A server that passes requests to *address*; *more* are lines of its location."""
    lines = [f"proxy_pass {address};", *more]
    body = "\n        ".join(lines)
    return f"server {{\n    server_name {name};\n    location {where} {{\n        {body}\n    }}\n}}\n"


def tls(name, *lines, pem=CERTIFICATE):
    """A server with TLS."""
    more = "\n    ".join((f"ssl_certificate {pem};", f"ssl_certificate_key {pem};", *lines))
    return f"server {{\n    listen 443 ssl;\n    server_name {name};\n    {more}\n}}\n"


# The Django project of tests/testinfra/doctor/hand.py, as an operator serves it.
BY_HAND, BY_HAND_URL = "hand.example.test", "http://hand.example.test"
ADDRESS = "127.0.0.1:8901"
PROXY = f"proxy_pass http://{ADDRESS}; proxy_set_header Host $host;"
VENV = "/srv/guestbook/current/venv"
UNIT = f"""[Service]
User=guestbook
WorkingDirectory=/opt/hand
Environment=PYTHONDONTWRITEBYTECODE=1
EnvironmentFile=-/opt/hand/env
ExecStart={VENV}/bin/python -m gunicorn --workers 2 --timeout TIMEOUT --bind ADDRESS OPTIONS hand:application
"""

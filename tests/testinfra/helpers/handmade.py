"""The site that the scenario `takeover` makes by hand."""

NAME = "hand.example.test"
PLAYBOOK = "gatehouse.django.takeover"
# nginx's file of the site, as the operator edits it.
FILE = "/etc/nginx/sites-available/project"
# The release that its environment names.
OLD_RELEASE = "000000000000-00000000"
UNITS = ["gunicorn.socket", "gunicorn.service", "worker.service"]
MEDIA = "/home/deploy/project/data/media"
RECORD = "find {0} -printf '%M %u:%g %p %l\\n' -type f -exec sha256sum {{}} + | sort"


def active(host):
    """Which of its units are active."""
    return [host.run("systemctl is-active %s", unit).stdout.strip() == "active" for unit in UNITS]


# Longer waits of a visitor are not those of a takeover on a quiet machine.
SLOW_SECONDS = 30
LOGS = f"""
journalctl --no-pager --output=short-precise --lines=100 --unit=gatehouse-takeover-shop.service --unit='shop-web@*' \\
    {" ".join(f"--unit={unit}" for unit in UNITS)}
tail --lines=20 /var/log/nginx/error.log
ss --unix --processes | grep --extended-regexp 'gunicorn|web.sock'
"""


def show_evidence(host, seen, played):
    """Print the host's side of a request that failed or waited for long."""
    if seen.failures or max(one.end - one.start for one in seen.requests) > SLOW_SECONDS:
        print(played.output[-3000:], host.run(LOGS).stdout, sep="\n")

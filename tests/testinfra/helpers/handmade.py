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

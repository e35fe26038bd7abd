"""The backups of an app on a host: make one, and look into the repository."""

import json

PASSWORD = "a-backup-password-for-throwaway-hosts"
STATE = "/var/lib/gatehouse/backup"


def service(app):
    return f"gatehouse-backup@{app}.service"


def back_up(host, app):
    """Make a backup, which must succeed; return its record."""
    started = host.run("systemctl start %s", service(app))
    assert started.rc == 0, host.check_output("journalctl -n 30 -u %s", service(app))
    return record(host, app)["last"]


def record(host, app):
    return json.loads(host.check_output("cat %s/%s/record.json", STATE, app))


def restic(host, app, *words):
    """What restic prints about the repository on the host."""
    command = f"RESTIC_PASSWORD_FILE={STATE}/{app}/password restic --no-cache --repo /var/backups/gatehouse/{app}"
    return host.check_output(f"{command} {' '.join(['%s'] * len(words))}", *words)


def as_app(host, app, command, *arguments):
    """Run a shell command with the rights of the app."""
    return host.check_output(f"setpriv --reuid={app} --regid={app} --clear-groups sh -c %s sh", command, *arguments)

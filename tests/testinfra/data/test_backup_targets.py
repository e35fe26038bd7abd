"""Backups that leave the host: over sftp, with a key of the entry's own and a server that is known."""

import json

import pytest
from helpers.backups import PASSWORD, STATE, record, service
from helpers.module import call

TO = "sftp:keeper@localhost:/home/keeper/archive"
HOME = {"password": PASSWORD, "password_kept": True, "keep": {"daily": 2}}


@pytest.fixture
def sftp(host, undo):
    """The options for it; afterwards those of the inventory."""
    on_failure = "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'"
    yield {
        **HOME,
        "to": TO,
        "ssh_key": host.check_output("cat /home/keeper/.ssh/id_ed25519"),
        "known_hosts": "localhost " + host.check_output("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"),
    }
    host.check_output("rm -rf /home/keeper/archive")
    assert not call(host, "django_backup", app="archive", backup=HOME | {"on_failure": on_failure})["failed"]


def test_a_backup_over_sftp_is_restored_from_there(host, sftp):
    answer = call(host, "django_backup", app="archive", backup=sftp)
    assert (answer["failed"], answer.get("created")) == (False, True), answer
    assert "PRIVATE KEY" not in answer["printed"]
    host.check_output("while systemctl is-active %s | grep -qx activating; do sleep 0.2; done", service("archive"))
    assert record(host, "archive")["last"]["result"] == "ok", record(host, "archive")
    assert host.file(f"{STATE}/archive/ssh_key").mode == 0o600
    asked = call(host, "django_restore", app="archive")
    assert f"snapshot {record(host, 'archive')['last']['snapshot']}" in asked["msg"]
    done = call(host, "django_restore", app="archive", confirm="archive")
    assert not done["failed"], done
    host.check_output("rm -r %s", done["kept"][0])


@pytest.mark.long
def test_a_server_with_another_key_is_refused(host, sftp):
    other = "localhost ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPnGLzJ8mqZbGdFzZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ"
    answer = call(host, "django_backup", app="archive", backup=sftp | {"known_hosts": other})
    assert answer["failed"]
    assert f"{TO} cannot be opened" in answer["msg"]
    assert not host.file("/home/keeper/archive").exists
    assert json.loads(host.check_output("cat %s/archive/config.json", STATE))["to"] == TO

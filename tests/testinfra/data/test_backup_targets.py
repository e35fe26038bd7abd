"""Backups that leave the host: over sftp to another one, with a key of the entry's own and a server that is known."""

import pytest
import testinfra
from helpers.backups import PASSWORD, STATE, record, service
from helpers.module import call

OTHERS = {"bookworm": "trixie", "trixie": "bookworm"}
SSH = "/home/keeper/.ssh"
HOME = {"password": PASSWORD, "password_kept": True, "keep": {"daily": 2}}


@pytest.fixture
def keeper(host):
    """The other host of the scenario."""
    name, _dash, suite = host.backend.name.rpartition("-")
    return testinfra.get_host(f"podman://{name}-{OTHERS[suite]}")


@pytest.fixture
def sftp(host, keeper):
    """The options for the other host, which lets this one in; afterwards those of the inventory."""
    on_failure = "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'"
    address = keeper.interface("eth0").addresses[0]
    key = host.check_output("cut -d ' ' -f 1,2 %s/id_ed25519.pub", SSH)
    known = keeper.check_output("cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub")
    keeper.check_output("echo %s test >>%s/authorized_keys", key, SSH)
    yield {
        **HOME,
        "to": f"sftp:keeper@{address}:/home/keeper/archive",
        "ssh_key": host.check_output("cat %s/id_ed25519", SSH),
        "known_hosts": f"{address} {known}",
    }
    keeper.check_output("rm -rf /home/keeper/archive; sed -i '/ test$/d' %s/authorized_keys", SSH)
    assert not call(host, "django_backup", app="archive", backup=HOME | {"on_failure": on_failure})["failed"]


def test_a_backup_over_sftp_is_restored_from_there(host, keeper, sftp):
    answer = call(host, "django_backup", app="archive", backup=sftp)
    assert (answer["failed"], answer.get("created")) == (False, True), answer
    assert "PRIVATE KEY" not in answer["printed"]
    host.check_output("while systemctl is-active %s | grep -qx activating; do sleep 0.2; done", service("archive"))
    assert record(host, "archive")["last"]["result"] == "ok", record(host, "archive")
    assert host.file(f"{STATE}/archive/ssh_key").mode == 0o600
    assert keeper.file("/home/keeper/archive/config").user == "keeper"
    assert not host.file("/home/keeper/archive").exists
    asked = call(host, "django_restore", app="archive")
    assert f"snapshot {record(host, 'archive')['last']['snapshot']}" in asked["msg"]
    done = call(host, "django_restore", app="archive", confirm="archive")
    assert not done["failed"], done
    host.check_output("rm -r %s", done["kept"][0])


@pytest.mark.long
def test_a_server_with_another_key_is_refused(host, keeper, sftp):
    address = keeper.interface("eth0").addresses[0]
    other = f"{address} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPnGLzJ8mqZbGdFzZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ0bZ"
    # The options of the entry, which has its backups on the host.
    assert not call(host, "django_backup", app="archive", backup=HOME)["failed"]
    files = f"cd {STATE}/archive && sha256sum config.json password proven"
    before = host.check_output(files)
    answer = call(host, "django_backup", app="archive", backup=sftp | {"known_hosts": other})
    assert answer["failed"]
    assert f"{sftp['to']} cannot be opened: the key of the server {address}" in answer["msg"]
    assert f"option 'known_hosts' ('{address} ssh-ed25519 " in answer["msg"]
    assert "the backup to /var/backups/gatehouse/archive goes on as before" in answer["msg"]
    assert not keeper.file("/home/keeper/archive").exists
    assert host.check_output(files) == before
    assert not host.file(f"{STATE}/archive/ssh_key").exists
    host.check_output("systemctl start %s", service("archive"))
    assert record(host, "archive")["last"]["result"] == "ok", record(host, "archive")

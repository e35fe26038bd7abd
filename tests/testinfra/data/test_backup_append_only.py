"""A server of backups that only adds: root of the app's host cannot remove any, and backups and restores go on."""

import base64
import hashlib
import json

import pytest
import testinfra
from helpers.backups import PASSWORD, STATE, as_app, back_up, record
from helpers.hosts import eventually
from helpers.module import call

pytestmark = pytest.mark.long
HOME = {"password": PASSWORD, "password_kept": True, "keep": {"daily": 2}}
ON_FAILURE = "sh -c 'echo \"$GATEHOUSE_APP $GATEHOUSE_PROBLEM\" >/run/backup-failed'"
# Only Debian 13 has the package: that host keeps the backups of both.
KEEPER, USER, SECRET = "/srv/rest", "archive", "for-throwaway-hosts"
START = f"""
systemctl stop lab-rest 2>/dev/null || true
rm -rf {KEEPER}
apt-get install --yes --no-install-recommends restic-rest-server >/dev/null
systemctl disable --quiet --now restic-rest-server || true
install -d -o keeper -m 0700 {KEEPER} && cd {KEEPER}
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out crt -subj /CN=rest -addext subjectAltName=IP:$1 2>/dev/null
echo "$2" >htpasswd && chown keeper key crt htpasswd
program=$(dpkg -L restic-rest-server | grep -m1 '/bin/.')
systemd-run --quiet --collect --unit=lab-rest --property=User=keeper "$program" --append-only \
    --path {KEEPER}/data --listen :8001 --private-repos --htpasswd-file {KEEPER}/htpasswd \
    --tls --tls-cert {KEEPER}/crt --tls-key {KEEPER}/key
"""
UPLOAD = "/srv/archive/data/upload"


@pytest.fixture
def keeper(host):
    """The host that has the backups."""
    name = host.backend.name.replace("-bookworm", "-trixie")
    return testinfra.get_host(f"podman://{name}")


@pytest.fixture
def backup(host, keeper, undo):
    """The option of the app for that server; afterwards that of the inventory."""
    address = keeper.interface("eth0").addresses[0]
    digest = base64.b64encode(hashlib.sha1(SECRET.encode()).digest()).decode()
    keeper.check_output("bash -ec %s bash %s %s", START, address, f"{USER}:{{SHA}}{digest}")
    host.check_output("printf '%%s\n' %s >/root/rest.crt", keeper.check_output(f"cat {KEEPER}/crt"))
    to = f"rest:https://{USER}:{SECRET}@{address}:8001/{USER}/"
    eventually(lambda: keeper.run("systemctl is-active lab-rest").rc == 0)
    yield {**HOME, "to": to, "keep": {"daily": 1}, "environment": {"SSL_CERT_FILE": "/root/rest.crt"}}
    assert not call(host, "django_backup", app="archive", backup=HOME | {"on_failure": ON_FAILURE})["failed"]
    keeper.check_output(f"systemctl stop lab-rest; rm -rf {KEEPER}")
    host.check_output("rm -rf /root/rest.crt /srv/archive/before-restore-* %s", UPLOAD)


def restic(host, to, *words):
    """How restic ends, that root runs on the app's host."""
    command = f"SSL_CERT_FILE=/root/rest.crt RESTIC_PASSWORD_FILE={STATE}/archive/password RESTIC_REPOSITORY=%s restic"
    return host.run(f"{command} {' '.join(['%s'] * len(words))}", to, *words)


def snapshots(host, to):
    return [one["short_id"] for one in json.loads(restic(host, to, "snapshots", "--json").stdout)]


def findings(host):
    return [one["cause"] for one in call(host, "django_doctor", apps=["archive"])["findings"]]


def test_root_of_the_app_s_host_removes_no_backup(host, keeper, backup):
    to = backup["to"]
    set_up = call(host, "django_backup", app="archive", backup=backup)
    assert not set_up["failed"], set_up
    assert SECRET not in set_up["printed"]
    # It can join the first one, which has just been started.
    back_up(host, "archive")
    as_app(host, "archive", f"echo kept >{UPLOAD}")
    # `keep` of this entry keeps one of them.
    last = back_up(host, "archive")
    made = snapshots(host, to)
    assert len(made) >= 2
    assert (last["result"], last["snapshot"]) == ("ok", made[-1])
    assert "only adds (append-only). Set 'keep: {}' in backup" in str(last["warnings"])
    assert SECRET not in json.dumps(record(host, "archive"))
    assert any(cause.startswith("Old backups stay: ") for cause in findings(host))

    for words in (["forget", "--prune", "--keep-last", "1", "--group-by", "host"], ["forget", "--prune", made[-1]]):
        assert restic(host, to, *words).rc != 0
        assert snapshots(host, to) == made
    removed = "curl -sk -o /dev/null -w '%{http_code}' -X DELETE"
    address = to.removeprefix("rest:")
    names = json.loads(restic(host, to, "snapshots", "--json").stdout)
    for path in ("config", f"snapshots/{names[0]['id']}"):
        assert host.run(f"{removed} {address}{path}").stdout == "403"
    assert snapshots(host, to) == made

    assert not call(host, "django_backup", app="archive", backup=backup | {"keep": {}})["failed"]
    assert back_up(host, "archive")["warnings"] == []
    assert findings(host) == []
    drill = host.run("systemctl start gatehouse-drill@archive")
    assert drill.rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@archive")

    # Its own administrator removes old ones, with the password; backups and restores go on.
    local = f"RESTIC_PASSWORD={PASSWORD} restic --no-cache --repo {KEEPER}/data/{USER}"
    keeper.check_output(
        f"runuser -u keeper -- env {local} forget --prune --tag archive --group-by host,tags --keep-last 1"
    )
    assert len(snapshots(host, to)) == 1
    as_app(host, "archive", f"echo lost >{UPLOAD}")
    done = call(host, "django_restore", app="archive", only="files", confirm="archive")
    assert not done["failed"], done
    assert host.file(UPLOAD).content_string == "kept\n"
    assert back_up(host, "archive")["result"] == "ok"


def test_another_password_opens_the_repository(host, backup):
    """The server keeps the key of the former password: it deletes none."""
    assert not call(host, "django_backup", app="archive", backup=backup | {"keep": {}})["failed"]
    back_up(host, "archive")
    other = backup | {"keep": {}, "password": f"another-{PASSWORD}"}
    changed = call(host, "django_backup", app="archive", backup=other)
    assert not changed["failed"], changed
    assert back_up(host, "archive")["result"] == "ok"
    again = call(host, "django_backup", app="archive", backup=other)
    assert (again["failed"], again.get("changed", False)) == (False, False), again

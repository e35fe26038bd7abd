"""What lets an app on another host use its database, with a server that answers as psql would print."""

import json
import os
import re
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access, hba, scram
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster, PostgresqlError

CLUSTER = Cluster("17", "main", is_online=True)
OTHERS = "local all all peer\n"
STATE = {"ssl": "on", "certificate": access.SNAKEOIL, "listen": "localhost", "pending": [], "loaded": 1}
SHOP, PERSON = ({"role": role, "address": "", "is_app": role == "shop", "seconds": 0} for role in ("shop", "alice"))
ONE = {"app": "shop", "host": "web1", "address": "192.0.2.1", "hosts": ["web1", "web2"]}


class Server:
    def __init__(self, directory, verifier="", errors=(), sessions=(), **state):
        self.hba = directory / "pg_hba.conf"
        self.hba.write_text(OTHERS)
        self.state = {**STATE, "hba": str(self.hba), **state}
        self.verifier, self.errors, self.sessions, self.said = verifier, list(errors), list(sessions), []
        self.reads_settings, self.webs = True, []

    def __call__(self, argv, data=""):
        self.said.append(data.strip() or " ".join(argv))
        if "pg_reload_conf" in data and self.reads_settings:
            self.state |= {"certificate": str(access.authority.CERTIFICATE), "ssl": "on", "loaded": time.time()}
        if "current_setting('hba_file')" in data:
            return 0, json.dumps(self.state), ""
        if "'is_app'" in data:
            return 0, json.dumps(self.sessions), ""
        if "list-units" in argv:
            return 0, "".join(f"{unit} loaded active running Web\n" for unit in self.webs), ""
        if "pg_authid" in data:
            return 0, json.dumps(self.verifier), ""
        return 0, json.dumps(self.errors) if "pg_hba_file_rules" in data else "", ""


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(access.authority, "CERTIFICATE", tmp_path / "server.crt")
    monkeypatch.setattr(access, "RELOAD_SECONDS", 0.0)
    (tmp_path / "gatehouse.conf").touch()
    monkeypatch.setattr(Cluster, "settings_file", str(tmp_path / "gatehouse.conf"))
    monkeypatch.setattr(access, "settings_file", lambda cluster: str(tmp_path / "conf.d/remote.conf"))
    return tmp_path / "conf.d/remote.conf"


def wanted(known=(), proposed=("new",), seen="", **more):
    return access.Access(**ONE | more, known=known, proposed=proposed, seen=seen)


def test_the_first_run_makes_everything_and_names_the_password_nowhere(tmp_path, settings):
    server = Server(tmp_path)
    due = access.plan(server, CLUSTER, wanted())
    assert (due.password, due.chosen, due.digest, due.needs_restart) == ("new", 0, "", True)
    assert "new" not in repr(due) + repr(wanted())
    assert "was restarted" in access.apply(server, CLUSTER, wanted(), due)
    assert [one.host for one in hba.clients(server.hba.read_text())] == ["web1"]
    assert server.hba.read_text().endswith(OTHERS)
    assert "listen_addresses = '*'" in settings.read_text()
    (set_password,) = [text for text in server.said if text.startswith("ALTER ROLE")]
    assert scram.matches("new", set_password.split("'")[1])
    assert server.said[-1] == "systemctl start postgresql@17-main.service"


def test_another_run_changes_nothing(tmp_path):
    server = Server(tmp_path)
    access.apply(server, CLUSTER, wanted(), access.plan(server, CLUSTER, wanted()))
    server.verifier = scram.verifier("new")
    server.state["listen"] = "*"
    due = access.plan(server, CLUSTER, wanted(known=["new"], proposed=["newer"]))
    assert not due.is_due
    assert (due.chosen, due.clients) == (0, ["web1"])


def test_the_password_that_the_role_has_wins(tmp_path):
    server = Server(tmp_path, scram.verifier("second"))
    due = access.plan(server, CLUSTER, wanted(known=["first", "second"]))
    assert (due.password, due.chosen) == ("", 1)


def test_a_lost_password_is_replaced_unless_another_run_was_faster(tmp_path):
    server = Server(tmp_path, scram.verifier("lost"))
    due = access.plan(server, CLUSTER, wanted())
    assert due.password == "new"
    access.apply(server, CLUSTER, wanted(seen=due.digest), due)
    with pytest.raises(PostgresqlError, match=r"set by another run meanwhile\. Nothing was changed"):
        access.apply(server, CLUSTER, wanted(seen="other"), due)


def test_the_apps_of_the_host_wait_for_a_restart(tmp_path):
    server = Server(tmp_path, sessions=[SHOP, {**SHOP, "role": "shop-two"}])
    server.webs = ["shop-web@20261127T100000Z.service", "shop-two-web@20261127T110000Z.service"]
    due = access.plan(server, CLUSTER, wanted())
    assert due.restart.endswith("would wait meanwhile: shop, shop-two.")
    assert "The apps that use it waited for" in access.apply(server, CLUSTER, wanted(), due)
    (asked,) = [text for text in server.said if "list-units" in text]
    assert asked.endswith("deactivating,reloading shop-web@*.service shop-two-web@*.service")
    (command,) = [text for text in server.said if text.startswith("systemd-run")]
    webs = " ".join(server.webs)
    assert command.endswith(rf" {webs} gatehouse-shop.slice gatehouse-shop\x2dtwo.slice")
    # Whatever happens, systemd wakes and starts them.
    assert f"--property=Before={webs} " in command
    names = "shop-web@20261127T100000Z shop-two-web@20261127T110000Z"
    assert re.search(rf"--property=ExecStopPost=-bash -c '[^']*systemctl start [^']*' bash {names} ", command)
    # Units that are ordered after it wait for the end of a oneshot only (systemd.service(5), Type=).
    assert "--property=Type=oneshot --property=TimeoutStartSec=infinity" in command
    limit, asking, serving = re.search(r" bash postgresql@17-main.service (\d+) (\d+) (\d+) ", command).groups()
    assert (limit, serving) == ("120", "2")
    words = command.partition(f" {asking} {serving} ")[2]
    assert words.partition(f" {webs} ")[0].endswith("state <> 'idle'")
    assert r"--property=ExecStopPost=-systemctl thaw gatehouse-shop.slice gatehouse-shop\\x2dtwo.slice" in command
    assert server.said.index("CHECKPOINT;") < server.said.index(command)


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (PERSON, "a client is connected as 'alice', which is no app of this host"),
        ({**SHOP, "address": "192.0.2.7"}, "a client from 192.0.2.7 is connected as 'shop'"),
        ({**SHOP, "seconds": 40.2}, "a transaction of 'shop' has been open for 40 s"),
    ],
)
def test_other_clients_keep_their_connections_and_the_operator_is_told(tmp_path, session, said):
    server = Server(tmp_path, sessions=[SHOP, session])
    due = access.plan(server, CLUSTER, wanted())
    assert due.restart.startswith("The play would fail here: PostgreSQL must be restarted once")
    with pytest.raises(PostgresqlError, match=rf"{said}.* When it suits, run systemctl restart postgresql@"):
        access.apply(server, CLUSTER, wanted(), due)
    assert not any("systemctl" in text for text in server.said)


def test_a_server_of_others_is_never_restarted(tmp_path):
    (tmp_path / "gatehouse.conf").unlink()
    server = Server(tmp_path)
    with pytest.raises(PostgresqlError, match="Gatehouse did not install this server"):
        access.apply(server, CLUSTER, wanted(), access.plan(server, CLUSTER, wanted()))
    assert not any("systemctl" in text for text in server.said)


@pytest.mark.parametrize(("listen", "restart"), [("*", False), ("localhost, 192.0.2.20", False), ("localhost", True)])
def test_a_server_that_listens_for_others_is_not_restarted(tmp_path, listen, restart):
    assert access.plan(Server(tmp_path, listen=listen), CLUSTER, wanted()).needs_restart is restart


def test_a_certificate_of_others_is_refused(tmp_path):
    server = Server(tmp_path, certificate="/etc/ssl/shop.pem")
    with pytest.raises(
        PostgresqlError, match=r"ssl_cert_file = '/etc/ssl/shop.pem'.*DATABASE_URL.*Nothing was changed"
    ):
        access.plan(server, CLUSTER, wanted())
    # It is not in use.
    assert access.plan(Server(tmp_path, certificate="server.crt", ssl="off"), CLUSTER, wanted()).is_due


def test_a_line_that_the_server_cannot_read_is_taken_back(tmp_path):
    server = Server(tmp_path, errors=[[2, "invalid IP mask"], [9, "of others"]])
    with pytest.raises(PostgresqlError, match=r"line 2: invalid IP mask\)\. It is as it was before"):
        access.apply(server, CLUSTER, wanted(), access.plan(server, CLUSTER, wanted()))
    assert server.hba.read_text() == OTHERS


def test_a_host_without_the_app_loses_its_line_only(tmp_path):
    server = Server(tmp_path)
    server.hba.write_text(hba.with_client(OTHERS, hba.Client("shop", "web1", "192.0.2.1/32"), []))
    assert access.revoke(server, "shop", "web2") == {}
    texts = access.revoke(server, "shop", "web1")
    access.write(server, texts)
    assert server.hba.read_text() == OTHERS
    assert server.said[-1] == "SELECT pg_reload_conf();"


def test_a_renewed_certificate_is_loaded(tmp_path):
    server = Server(tmp_path)
    access.apply(server, CLUSTER, wanted(), access.plan(server, CLUSTER, wanted()))
    server.verifier, server.state["listen"] = scram.verifier("new"), "*"
    (tmp_path / "server.crt").touch()
    os.utime(tmp_path / "server.crt", (0, server.state["loaded"] + 10))
    due = access.plan(server, CLUSTER, wanted(known=["new"]))
    assert (due.is_due, due.needs_reload, due.texts) == (True, True, {})
    server.said.clear()
    access.apply(server, CLUSTER, wanted(known=["new"]), due)
    assert server.said[0] == "SELECT pg_reload_conf();"


def test_settings_that_the_server_does_not_read_are_named(tmp_path, settings):
    server = Server(tmp_path)
    server.reads_settings = False
    due = access.plan(server, CLUSTER, wanted())
    with pytest.raises(PostgresqlError, match=f"does not use '{settings}': ssl is on, ssl_cert_file is"):
        access.apply(server, CLUSTER, wanted(), due)


@pytest.mark.parametrize("unread", ["hba", "settings"])
def test_a_file_that_a_killed_run_has_written_is_loaded(tmp_path, settings, unread):
    server = Server(tmp_path)
    access.apply(server, CLUSTER, wanted(), access.plan(server, CLUSTER, wanted()))
    server.verifier = scram.verifier("new")
    path = {"hba": server.hba, "settings": settings}[unread]
    os.utime(path, (0, server.state["loaded"] + 10))
    due = access.plan(server, CLUSTER, wanted(known=["new"]))
    assert (due.texts, due.needs_reload, due.needs_restart) == ({}, True, unread == "settings")

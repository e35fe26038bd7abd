"""The unit of a server for copies, and which hosts can run one. The scenario data tests what it does."""

import os
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import copy_server
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError


class Host:
    """Answers commands with *codes* by a word in them, and notes them."""

    def __init__(self, **codes):
        self.codes, self.calls = codes, []

    def __call__(self, argv, **_options):
        text = " ".join(argv)
        self.calls.append(text)
        return next((code for word, code in self.codes.items() if word in text), 0), "", "no space left"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    def install(*majors):
        for major in majors:
            path = tmp_path / "programs" / major / "bin"
            path.mkdir(parents=True)
            (path / "postgres").touch(0o755)

    monkeypatch.setattr(copy_server, "POSTGRESQL_PROGRAMS", str(tmp_path / "programs"))
    return install


@pytest.fixture
def server(tmp_path, programs, monkeypatch):
    programs("15", "17")
    copies = tmp_path / "copies"
    copies.mkdir()
    owner = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(copy_server.pwd, "getpwnam", lambda _name: owner)
    return copy_server.CopyServer("shop", str(copies), "shop-copy", "drill", ["Nice=19"], Host())


def test_programs_of_the_version_or_a_later_one_are_needed(programs):
    none = copy_server.refusal(16)
    assert none == (
        "a copy needs the programs of PostgreSQL's server on this host, which has none: install postgresql-16"
    )
    programs("15", "9.6", "16x")
    assert copy_server.newest() == 15
    assert (copy_server.refusal(0), copy_server.refusal(15)) == ("", "")
    assert "only those of version 15: install postgresql-16" in copy_server.refusal(16)


def test_programs_of_clients_are_not_enough(programs, tmp_path):
    programs("15")
    (tmp_path / "programs/17/bin").mkdir(parents=True)
    assert copy_server.newest() == 15


@pytest.mark.parametrize(
    ("version", "major"), [("17.6 (Debian 17.6-0+deb13u1)", 17), ("9.6.1", 9), ("", 0), ("None", 0)]
)
def test_the_major_version(version, major):
    assert copy_server.major_of(version) == major


def test_the_server_sees_neither_clusters_nor_network(server):
    server.start(16)
    made, started = (call for call in server._run.calls if call.startswith("systemd-run"))
    assert "--unit=gatehouse-drill-new-server@shop.service" in made
    assert "--unit=gatehouse-drill-server@shop.service" in started
    assert "/17/bin/initdb --auth=peer" in made
    assert "--service-type=notify" in started
    for text in (made, started):
        assert f"BindPaths={server.directory}/data:/var/lib/postgresql {server.socket}:/run/postgresql" in text
        assert "--property=PrivateNetwork=yes" in text
        assert "--property=Nice=19" in text
    modes = {name: os.stat(f"{server.directory}/{name}").st_mode & 0o777 for name in ("", "data", "socket")}
    assert modes == {"": 0o711, "data": 0o700, "socket": 0o750}


def test_a_server_that_does_not_start(server):
    server._run.codes["notify"] = 1
    with pytest.raises(PostgresqlError, match=r"The server for copies failed \(1\): no space left"):
        server.start(16)


def test_programs_connect_to_this_server(server):
    server.run(["psql"], cwd="/")
    assert server._run.calls == [f"env PGHOST={server.socket} PGPORT=5432 psql"]


def test_all_of_it_is_removed(server):
    """Also a server whose files were removed by hand."""
    stop = "systemctl stop gatehouse-drill-server@shop.service gatehouse-drill-new-server@shop.service"
    server.remove()
    assert server._run.calls[0] == stop
    server.start(0)
    server._run.calls.clear()
    server.remove()
    assert server._run.calls[0] == stop
    assert not os.path.exists(server.directory)

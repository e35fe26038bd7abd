"""What a rehearsal believes, and what it leaves. The rest is tested on hosts, in tests/testinfra/data."""

import os
from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import copies
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import rehearsal as module
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy

OPTIONS = {"refuse_locks_over": 5.0, "refuse_new_errors": False}
COPY = Copy(Database("default", "postgresql", "shop", "", "", "", ""), ("default",), "rehearsal", "shop-copy-rehearsal")


class Host:
    """Notes the commands, and whether the directory still existed when each ran."""

    def __init__(self, directory):
        self.directory, self.calls = directory, []

    def __call__(self, argv, **_options):
        self.calls.append((" ".join(argv), os.path.exists(self.directory)))
        return 0, "17 main 5432 online postgres /data /log\n" if argv[0] == "pg_lsclusters" else "", ""


@pytest.fixture
def app(tmp_path):
    app = App("shop", str(tmp_path))
    os.mkdir(app.home)
    return app


@pytest.fixture
def host(app):
    return Host(os.path.join(app.copies, "rehearsal"))


@pytest.fixture
def rehearsal(app, host, monkeypatch):
    monkeypatch.setattr(module.accounts, "ensure_copy_user", lambda *_arguments: None)
    monkeypatch.setattr(copies.shutil, "which", lambda _program: "/usr/bin/pg_lsclusters")
    made = module.Rehearsal(Tools(host, {}), app)
    made.dropped = []
    names = ["shop-copy-drill", "shop-copy-rehearsal", "shop-copy-rehearsal-2", "shop-copy-rehearsals"]
    monkeypatch.setattr(type(made.scratch), "names", lambda _self: names)
    monkeypatch.setattr(type(made.scratch), "drop", lambda _self, purpose: made.dropped.append(purpose))
    return made


def test_without_a_directory_there_is_nothing_to_clean_up(rehearsal, host):
    rehearsal.clean_up()
    assert (host.calls, rehearsal.dropped) == ([], [])


def test_units_and_databases_go_before_the_directory(rehearsal, host):
    os.makedirs(rehearsal.data)
    rehearsal.clean_up()
    assert rehearsal.dropped == ["rehearsal", "rehearsal-2"]
    assert all(existed for command, existed in host.calls if "server@" not in command)
    stopped = [command for command, _existed in host.calls if command.startswith("systemctl stop")]
    assert stopped.pop() == (
        "systemctl stop gatehouse-rehearsal-server@shop.service gatehouse-rehearsal-new-server@shop.service"
    )
    assert stopped == [
        "systemctl stop gatehouse-rehearsal-web@shop.socket gatehouse-rehearsal-web@shop.service",
        "systemctl stop gatehouse-rehearsal@shop.service",
    ]
    assert not os.path.exists(rehearsal.app.copies)


def test_the_host_needs_no_server_of_its_own_to_remove_copies_from_one_for_copies(rehearsal, monkeypatch):
    monkeypatch.setattr(copies, "made", lambda *_words: pytest.fail("asked the host's own server"))
    os.makedirs(rehearsal._server.directory)
    rehearsal.clean_up()
    assert not os.path.exists(rehearsal._server.directory)
    # Killed before the last step: the other directory is gone.
    os.makedirs(rehearsal.data)
    os.makedirs(rehearsal._server.directory)
    rehearsal.clean_up()
    assert not os.path.exists(rehearsal.app.copies)


def test_copies_of_others_stay(rehearsal):
    other = os.path.join(rehearsal.app.copies, "restore")
    for path in (other, rehearsal.data):
        os.makedirs(path)
    rehearsal.clean_up()
    assert os.listdir(rehearsal.app.copies) == ["restore"]


@pytest.mark.parametrize("error", [PostgresqlError("no server"), ReleaseError("no copy"), OSError("full")])
def test_nothing_is_left_after_an_error(rehearsal, monkeypatch, error):
    def fail(*_arguments):
        os.makedirs(rehearsal.data)
        raise error

    monkeypatch.setattr(rehearsal, "_rehearse", fail)
    with pytest.raises((ReleaseError, OSError), match=str(error)):
        rehearsal.run(None, Report(), OPTIONS, [])
    assert rehearsal.dropped == ["rehearsal", "rehearsal-2"]
    assert not os.path.exists(rehearsal.directory)


def test_each_page_is_requested_once(rehearsal):
    build = SimpleNamespace(plan={"health": {"host": "", "path": "/"}})
    pages = rehearsal._pages(build, Report(health_host="shop.test"), [("shop.test", "/a"), ("shop.test", "/")])
    assert pages == [("shop.test", "/"), ("shop.test", "/a")]

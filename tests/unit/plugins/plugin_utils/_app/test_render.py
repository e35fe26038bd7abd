"""The units and files of a release quote the values of the inventory."""

import ast
import re
import signal
import sys
import types

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app import render
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import (
    command_line,
    python_value,
    systemd_value,
)


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("celery -A shop worker", '"celery" "-A" "shop" "worker"'),
        ("sh -c 'a | b'", '"sh" "-c" "a | b"'),
        ("note 100%", '"note" "100%%"'),
        ("note $HOME '${HOME}' $$", '"note" "$$HOME" "$${HOME}" "$$$$"'),
        (r"note a\\b", r'"note" "a\\b"'),
        ("note 'say \"so\"' ''", r'"note" "say \"so\"" ""'),
        (r"find . -exec true \;", '"find" "." "-exec" "true" ";"'),
    ],
)
def test_commands_are_quoted_literally(command, written):
    assert command_line(command) == written


@pytest.mark.parametrize(("value", "written"), [("5% of %i", "5%% of %%i"), (30, "30"), (render.Raw("75%"), "75%")])
def test_specifiers_are_escaped(value, written):
    assert systemd_value(value) == written


@pytest.mark.parametrize("value", ["a\nUser=root", "a\rb", "\x1b", True, None, ["a"]])
def test_a_value_is_one_line(value):
    with pytest.raises(TypeError, match="cannot be written into a unit file"):
        systemd_value(value)


@pytest.mark.parametrize("value", ["'\"\\\n", 5, "{{ x }}"])
def test_a_value_in_python(value):
    assert ast.literal_eval(python_value(value)) == value


PARAMS = {
    "app": "shop",
    "interface": "wsgi",
    "application": "shop.wsgi:application",
    "workers": 0,
    "threads": 4,
    "timeout": 30,
    "media_group": "www-data",
    "processes": [{"name": "worker", "command": "celery -n 'w@%h'", "stop_timeout": 60}],
    "timers": [{"name": "clean", "command": "clean", "on_calendar": "daily", "timeout": 60}],
    "limits": {"memory": "75%", "cpu": 100, "tasks": 2048},
}


def settings_of(text):
    """The settings in a gunicorn.conf.py."""
    namespace = {}
    exec(text, namespace)  # our own template
    return namespace


def test_gunicorns_configuration():
    found = settings_of(render.files(PARAMS)["gunicorn.conf.py"])
    assert found["wsgi_app"] == "gatehouse_server:wsgi('shop.wsgi:application')"
    assert found["workers"] > 1
    assert (found["worker_class"], found["threads"], found["timeout"], found["proc_name"]) == ("gthread", 4, 30, "shop")
    found = settings_of(render.files(PARAMS | {"interface": "asgi", "workers": 3})["gunicorn.conf.py"])
    assert (found["worker_class"], found["workers"], "threads" in found) == ("asgi", 3, False)


def test_websockets_are_closed_before_gunicorn_kills_their_process(monkeypatch):
    handlers, calls = {}, []
    loop = types.SimpleNamespace(create_server=None, add_signal_handler=handlers.__setitem__)
    loop.call_later = lambda seconds, _function: calls.append(seconds)
    worker = types.SimpleNamespace(loop=loop, handle_exit_signal=lambda: calls.append("exit"))
    resolver = types.SimpleNamespace(url_patterns=[])
    for name, content in (
        ("gatehouse_server", {"close_websockets": None}),
        ("django.conf", {"settings": types.SimpleNamespace(ROOT_URLCONF="shop.urls")}),
        ("django.urls", {"get_resolver": lambda: resolver}),
    ):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**content))
    found = settings_of(render.files(PARAMS | {"interface": "asgi"})["gunicorn.conf.py"])
    found["post_worker_init"](worker)
    handlers[signal.SIGTERM]()
    assert calls[0] == "exit"
    assert 0 < calls[1] < found["graceful_timeout"]


def test_the_units_of_an_app():
    found = render.units(PARAMS, "/srv/shop", ["ReadWritePaths=/mnt/5%"])
    systemd = "/etc/systemd/system"
    assert sorted(found) == [
        f"{systemd}/gatehouse-shop.slice",
        *(f"{systemd}/shop-{name}" for name in ("clean.service", "clean.timer")),
        *(f"{systemd}/shop-{name}" for name in ("web.service", "web@.service", "web@.socket", "worker.service")),
        "/srv/shop/manage",
    ]
    assert "\nMemoryMax=75%\n" in found[f"{systemd}/gatehouse-shop.slice"]
    for name in ("web@.service", "worker.service", "clean.service"):
        assert "\nReadWritePaths=/mnt/5%%\n" in found[f"{systemd}/shop-{name}"]
    assert '"celery" "-n" "w@%%h"\n' in found[f"{systemd}/shop-worker.service"]
    ast.parse(found["/srv/shop/manage"])
    assert found["/srv/shop/manage"].endswith(
        'main(\n    "shop",\n    "/srv/shop",\n    ["ReadWritePaths=/mnt/5%"],\n)\n'
    )


def test_each_module_that_a_copied_program_imports_is_copied():
    for name in render.COPIED:
        imported = re.findall(r"^(?:import|from) (gatehouse_\w+)", (render.PROGRAMS / name).read_text(), re.MULTILINE)
        assert {f"{one}.py" for one in imported} <= {*render.COPIED}, name

"""`manage` parses its command line and passes arguments and variables to the unit."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MANAGE = Path(__file__).resolve().parents[4] / "roles/django_app/files/gatehouse_manage.py"
SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ.get('GIVEN')]))"


@pytest.fixture
def manage():
    spec = importlib.util.spec_from_file_location("gatehouse_manage", MANAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path):
    (tmp_path / "releases" / "r1").mkdir(parents=True)
    (tmp_path / "releases" / "r1" / ".complete").touch()
    return str(tmp_path)


def start(manage, words, count=0):
    """The program of the unit, with *words* as systemd would read them from the file."""
    path = manage.environment_file([os.fsencode(word) for word in words])
    try:
        lines = Path(path).read_text(encoding="ascii").splitlines()
    finally:
        os.close(int(path.rpartition("/")[2]))
    environment = dict(line.split("=", 1) for line in lines)
    command = [sys.executable, "-ISc", manage.UNIT_PROGRAM, str(count)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, process_group=0)


@pytest.mark.parametrize(
    ("words", "parsed"),
    [
        ([], ("", [], [])),
        (["migrate"], ("", [], ["migrate"])),
        (["--release", "r1", "migrate"], ("r1", [], ["migrate"])),
        (["--release=r1", "--env=A", "--env", "B", "migrate"], ("r1", ["A", "B"], ["migrate"])),
        (["migrate", "--env", "A"], ("", [], ["migrate", "--env", "A"])),
        (["--version"], ("", [], ["--version"])),
        (["", "--help"], ("", [], ["", "--help"])),
    ],
)
def test_options_come_before_the_command(manage, words, parsed):
    assert manage.parse(words, "shop") == parsed


def test_help_is_about_manage_itself(manage, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        manage.parse(["--help"], "shop")
    assert "Run a management command of shop" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--release", "--env"])
def test_an_option_without_its_value(manage, option):
    with pytest.raises(SystemExit, match=f"manage: {option} needs a value"):
        manage.parse([option], "shop")


def test_the_release_is_the_one_that_is_served_or_the_one_that_is_named(manage, home):
    with pytest.raises(SystemExit, match="shop serves no release"):
        manage.release_path("shop", home, "")
    os.symlink("releases/r1", f"{home}/current")
    assert manage.release_path("shop", home, "") == f"{home}/releases/r1"
    assert manage.release_path("shop", home, "r1") == f"{home}/releases/r1"


@pytest.mark.parametrize("release", ["r2", "../releases/r1", "/etc"])
def test_an_incomplete_release_is_refused(manage, home, release):
    with pytest.raises(SystemExit, match=f"shop has no complete release '{release}'"):
        manage.release_path("shop", home, release)


def test_variables_are_passed_by_name(manage):
    environment = {b"DJANGO_SUPERUSER_PASSWORD": b"\xff", b"TOKEN": b"a=b", b"HOME": b"/root"}
    assert manage.select(environment, []) == [b"DJANGO_SUPERUSER_PASSWORD=\xff"]
    assert manage.select(environment, ["TOKEN"]) == [b"DJANGO_SUPERUSER_PASSWORD=\xff", b"TOKEN=a=b"]


@pytest.mark.parametrize(
    ("name", "said"), [("NONE", "has no such variable"), ("TOKEN=x", "--env TOKEN: give the name")]
)
def test_a_missing_variable_or_a_value_on_the_command_line_is_refused(manage, name, said):
    with pytest.raises(SystemExit, match=said):
        manage.select({b"TOKEN": b"1"}, [name])


def test_only_the_owner_can_open_the_environment_file(manage):
    path = manage.environment_file([b"secret"])
    assert Path(path).read_text() == f"GATEHOUSE_WORD_0={base64.b64encode(b'secret').decode()}\n"
    assert os.readlink(path).startswith("/memfd:")
    os.close(int(path.rpartition("/")[2]))


WORDS = ["", "a b", "$HOME ${HOME} $$", "%n", "a\nb", "\\", "'\"`", "*", ";", "\udcff\udcfe", "\x01", "ë"]


def test_words_and_variables_arrive_byte_for_byte(manage):
    for value in WORDS:
        process = start(manage, [f"GIVEN={value}", "-c", SHOW, *WORDS], count=1)
        assert json.loads(process.communicate(timeout=20)[0]) == [WORDS, value]


def test_the_environment_of_the_command_has_no_words(manage):
    process = start(manage, ["-c", "import os; print([name for name in os.environ if 'GATEHOUSE' in name])"])
    assert process.communicate(timeout=20)[0] == "[]\n"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(42)", 42),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_the_exit_code_is_the_commands(manage, code, status):
    assert start(manage, ["-c", code]).wait(timeout=20) == status


def test_signals_of_the_terminal_reach_the_command(manage):
    code = "import signal; signal.signal(2, lambda *_: exit(7)); print('ready', flush=True); signal.pause()"
    process = start(manage, ["-c", code])
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) == 7


def test_the_longest_argument_arrives_and_a_longer_one_is_refused(manage):
    longest = "x" * (manage.MAX_BYTES - 1)
    process = start(manage, ["-c", "import sys; print(len(sys.argv[1]))", longest])
    assert process.communicate()[0] == f"{len(longest)}\n"
    with pytest.raises(
        SystemExit, match=f"manage: an argument or variable has 98001 bytes, but at most {manage.MAX_BYTES}"
    ):
        manage.environment_file([b"x" * (manage.MAX_BYTES + 1)])

"""`manage` passes its arguments and variables to the app unchanged, and to no other user."""

import json

import pytest
from helpers.hosts import eventually, release_of

# What systemd, a shell or Python might take for more than text.
WORDS = [
    *(
        "plain",
        "two words",
        "",
        " ",
        "a\nb",
        "$HOME",
        "${HOME}",
        "x${HOME}y",
        "$$",
        "$$body$$",
        "${UNSET}x",
        "%n %% %h",
    ),
    *("'single' \"double\"", "back\\slash \\n \\t", "last\\", "`id`", "*", "~", ";", "#comment", "--option=va lue"),
    *("unicode Zoë 日本", "\x01\x7f", "\udcff\udcfe", "$" * 70_000),
]
VARIABLE = "-----BEGIN\n'k' \"e\" \\y $HOME ${HOME} $$ %n `id`\n\n\t# \udcff\x01 end\\"
# Runs manage on the host, with arguments and variables as bytes, and tells how that ended.
RUN = """
import json, os, subprocess, sys
words, variables, given = json.load(sys.stdin)
environment = {os.fsencode(name): os.fsencode(value) for name, value in variables.items()} | os.environb
command = ["/srv/evil/manage", *map(os.fsencode, words)]
ran = subprocess.run(command, env=environment, input=given.encode(), capture_output=True)
print(json.dumps([ran.returncode, os.fsdecode(ran.stdout), os.fsdecode(ran.stderr)]))
"""
# Starts manage, and while its command waits, looks as another user for a secret that the command was given.
SPY = """
import json, os, signal, subprocess, sys
secret = os.urandom(8).hex()
environment = os.environ | {"DJANGO_SUPERUSER_PASSWORD": secret}
code = "import os; print('ready', os.environ['DJANGO_SUPERUSER_PASSWORD'], flush=True); input()"
process = subprocess.Popen(["/srv/evil/manage", "shell", "-v", "0", "-c", code], env=environment,
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
said = process.stdout.readline()
other = ["setpriv", "--reuid=victim", "--regid=victim", "--clear-groups", "sh", "-c"]
looks = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/fd/*; systemctl show 'evil-*' '*.slice'; " \\
    "systemctl cat 'evil-*'; journalctl --no-pager; cat /run/* /tmp/* /dev/shm/*"
seen = subprocess.run([*other, looks], capture_output=True, text=True, errors="replace", timeout=60).stdout
if "kill" in sys.argv:
    process.kill()
else:
    process.communicate("\\n")
process.wait()
places = ["/run", "/tmp", "/var/tmp", "/dev/shm", "/srv/evil"]
left = subprocess.run(["grep", "-rl", "--text", "-s", secret, *places], capture_output=True, text=True).stdout
print(json.dumps([said == f"ready {secret}\\n", "evil-manage-" in seen, secret in seen, left]))
"""
# A terminal, in which Ctrl-C is typed once the command says that it is ready.
TERMINAL = """
import os, pty, signal, sys
signal.alarm(30)
pid, terminal = pty.fork()
if not pid:
    os.execv("/bin/sh", ["sh", "-c", sys.argv[2], sys.argv[1]])
said = b""
while b"ready" not in said:
    said += os.read(terminal, 1000)
os.write(terminal, b"\\x03")
try:
    while os.read(terminal, 1000):
        pass
except OSError:
    pass
print(repr(said), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
# Without a terminal for its output, as in `manage migrate | tee log`: the signal comes to manage itself.
SIGNAL = """
import os, signal, subprocess, sys
# Long before the command would end by itself.
signal.alarm(30)
command = ["/srv/evil/manage", "shell", "-v", "0", "-c", sys.argv[1]]
process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
assert "ready" in process.stdout.readline()
process.send_signal(int(sys.argv[2]))
print(process.wait(), process.stdout.read().split())
"""
WAITS = "import signal, time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def manage(host):
    """Exit code and output of manage of the app `evil`."""

    def run(*words, given="", **variables):
        text = json.dumps([words, variables, given])
        return json.loads(host.check_output("printf %%s %s | python3 -c %s", text, RUN))

    return run


def running(host):
    return host.check_output("systemctl list-units --all --plain --no-legend 'evil-manage-*'")


def test_arguments_arrive_byte_for_byte(manage):
    code, out, err = manage("echo", "--", *WORDS)
    assert (code, json.loads(out)["words"]) == (0, WORDS), err


def test_variables_arrive_byte_for_byte(manage):
    names = ["DJANGO_SUPERUSER_PASSWORD", "TOKEN", "OTHER"]
    shown = [f"--show={name}" for name in names]
    _code, out, _err = manage("--env", "TOKEN", "echo", *shown, **dict.fromkeys(names, VARIABLE))
    assert json.loads(out)["environment"] == {"DJANGO_SUPERUSER_PASSWORD": VARIABLE, "TOKEN": VARIABLE, "OTHER": None}


def test_a_superuser_is_made_with_its_password(manage):
    password = "a $HOME %n 'password'"
    options = ["--noinput", "--username", "boss", "--email", "boss@example.test"]
    assert manage("createsuperuser", *options, DJANGO_SUPERUSER_PASSWORD=password)[0] == 0
    check = "from django.contrib.auth import authenticate as a; import sys; print(a(username='boss', password=input()))"
    delete = "; from django.contrib.auth.models import User; User.objects.filter(username='boss').delete()"
    assert manage("shell", "-v", "0", "-c", check + delete, given=f"{password}\n")[1] == "boss\n"


@pytest.mark.parametrize("how", ["ends", "kill"])
def test_no_other_user_can_read_a_variable(host, how):
    arrived, looked, seen, left = json.loads(host.check_output("python3 -c %s %s", SPY, how))
    assert (arrived, looked, seen, left) == (True, True, False, "")
    eventually(lambda: not running(host))


@pytest.mark.parametrize(
    ("code", "status"), [("sys.exit(0)", 0), ("sys.exit(42)", 42), ("os.kill(os.getpid(), 15)", 143)]
)
def test_manage_exits_with_the_code_of_the_command(manage, code, status):
    assert manage("shell", "-v", "0", "-c", f"import os, sys; {code}")[0] == status


@pytest.mark.parametrize(("pipe", "status"), [("", "130"), (" | cat", "-2")])
def test_ctrl_c_in_a_terminal_ends_the_command(host, pipe, status):
    command = f'exec /srv/evil/manage shell -v 0 -c "$0"{pipe}'
    said = host.check_output("python3 -c %s %s %s", TERMINAL, WAITS, command)
    assert said.endswith(f" {status}")
    # systemd-run would put all that the unit runs into the terminal's title.
    assert "python" not in said
    eventually(lambda: not running(host))


@pytest.mark.parametrize("number", [2, 15, 1])
def test_a_signal_to_manage_ends_the_command(host, number):
    assert host.check_output("python3 -c %s %s %s", SIGNAL, WAITS, str(number)) == f"-{number} []"
    eventually(lambda: not running(host))


def test_a_command_can_handle_a_signal(host):
    code = "import signal; signal.signal(2, lambda *_: print('finished')); print('ready', flush=True); signal.pause()"
    assert host.check_output("python3 -c %s %s 2", SIGNAL, code) == "-2 ['finished']"


def test_manage_runs_in_the_slice_and_sandbox_of_the_app(host, manage):
    code = "import os; print(os.getcwd(), os.getuid()); print(open('/proc/self/cgroup').read())"
    directory, user, *groups = manage("shell", "-v", "0", "-c", code)[1].split()
    assert directory == host.check_output("readlink -f /srv/evil/current/project")
    assert user == str(host.user("evil").uid)
    assert "/gatehouse.slice/gatehouse-evil.slice/evil-manage-" in groups[-1]


def test_a_release_can_be_named(host, manage):
    code, out, _err = manage("--release", release_of(host, "evil"), "echo", "--show=GATEHOUSE_RELEASE")
    assert (code, json.loads(out)["environment"]) == (0, {"GATEHOUSE_RELEASE": release_of(host, "evil")})
    code, _out, err = manage("--release", "none", "echo")
    assert (code, err) == (1, "manage: evil has no complete release 'none'; choose one from /srv/evil/releases\n")


def test_manage_prints_its_usage(manage):
    assert manage("--help")[1].startswith("usage: manage [--release ID] [--env NAME]... COMMAND [ARGUMENT...]")
    assert "echo" in manage("help")[1]
    assert manage("--env", "NONE", "echo")[:1] == [1]

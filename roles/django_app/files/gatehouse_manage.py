"""Run a management command of an app as its user, in the environment, sandbox and limits of its web processes."""

import base64
import os
import signal
import sys
import time

USAGE = """\
usage: manage [--release ID] [--env NAME]... COMMAND [ARGUMENT...]

Run a management command of {app} as its user, in the environment, the sandbox and the limits of its web processes.

  --release ID   use this release instead of the one that is served
  --env NAME     pass the variable NAME of the caller's environment to the command; may be repeated
  --help         print this; `manage help` lists the commands of the project

Variables whose names begin with DJANGO_SUPERUSER_ are always passed. sudo keeps those that --preserve-env names.
"""
ALWAYS_PASSED = b"DJANGO_SUPERUSER_"
# Linux accepts no string of 128 KiB in an environment (execve(2)), and base64 makes four bytes of three.
MAX_BYTES = 98_000
QUIET = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]

# The program of the unit. systemd expands `$` in arguments and rejects invalid UTF-8, so all arguments come in base64.
# The program stays the parent of the command, because systemd-run returns 0 for a command that SIGINT or SIGTERM ended.
# It does not ignore SIGHUP, which a terminal sends only to the first process of its session.
UNIT_PROGRAM = """\
import base64, os, signal, sys
words, environment = [], os.environb
while (name := b"GATEHOUSE_WORD_" + str(len(words)).encode()) in environment:
    words.append(base64.b64decode(environment.pop(name)))
count, stops = int(sys.argv[1]), (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
environment.update(word.split(b"=", 1) for word in words[:count])
for number in stops:
    signal.signal(number, signal.SIG_IGN)
command = [os.fsencode(sys.executable), *words[count:]]
process = os.posix_spawn(command[0], command, environment, setsigdef=stops)
code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
"""


def main(app, home, properties):
    """Run the command of the command line in a unit with *properties*."""
    release, names, arguments = parse(sys.argv[1:], app)
    path = release_path(app, home, release)
    variables = select(os.environb, names)
    start = ["manage.py"] if os.path.exists(f"{path}/project/manage.py") else ["-m", "django"]
    words = [*variables, *map(os.fsencode, [*start, *arguments])]
    terminal = os.isatty(0) and os.isatty(1)
    unit = f"{app}-manage-{os.urandom(4).hex()}.service"
    properties = [
        *properties,
        f"WorkingDirectory={path}/project",
        f"EnvironmentFile={path}/env",
        f"EnvironmentFile={environment_file(words)}",
    ]
    command = [
        "systemd-run",
        *("--quiet", "--wait", "--collect", "--pty" if terminal else "--pipe"),
        *(f"--unit={unit}", f"--description=Management command of {app}"),
        *(f"--property={each}" for each in properties),
        *("--", f"{path}/venv/bin/python", "-ISc", UNIT_PROGRAM, str(len(variables))),
    ]
    if terminal:
        # The terminal sends Ctrl-C to the command itself. Keep the title of its window.
        os.execvpe(command[0], command, {**os.environ, "SYSTEMD_ADJUST_TERMINAL_TITLE": "0"})
    sys.exit(run(command, unit))


def parse(words, app):
    """Return the release, the names of variables, and the command with its arguments."""
    release, names = "", []
    while words:
        option, equals, value = words[0].partition("=")
        if option in ("--help", "-h"):
            print(USAGE.format(app=app), end="")
            sys.exit(0)
        if option not in ("--release", "--env"):
            break
        words = words[1:]
        if not equals:
            if not words:
                sys.exit(f"manage: {option} needs a value, see manage --help")
            value, words = words[0], words[1:]
        if option == "--release":
            release = value
        else:
            names.append(value)
    return release, names, words


def release_path(app, home, release):
    """Return the directory of *release*, or of the one that is served."""
    try:
        release = release or os.path.basename(os.readlink(f"{home}/current"))
    except OSError:
        sys.exit(f"manage: {app} serves no release; name one with --release")
    path = f"{home}/releases/{release}"
    if "/" in release or not os.path.exists(f"{path}/.complete"):
        sys.exit(f"manage: {app} has no complete release '{release}'; choose one from {home}/releases")
    return path


def select(environment, names):
    """Return the assignments of *environment* to pass to the command."""
    for name in names:
        if "=" in name:
            sys.exit(f"manage: --env {name.partition('=')[0]}: give the name only, and the value in the environment")
        if os.fsencode(name) not in environment:
            sys.exit(
                f"manage: --env {name}: the environment has no such variable; with sudo, use --preserve-env={name}"
            )
    chosen = {*map(os.fsencode, names), *(name for name in environment if name.startswith(ALWAYS_PASSED))}
    return [name + b"=" + environment[name] for name in sorted(chosen)]


def environment_file(words):
    """Return the path of a file for systemd that only root can open. It is in memory and ends with this process."""
    for word in words:
        if len(word) > MAX_BYTES:
            sys.exit(f"manage: an argument or variable has {len(word)} bytes, but at most {MAX_BYTES} are supported")
    lines = [f"GATEHOUSE_WORD_{n}={base64.b64encode(word).decode()}\n" for n, word in enumerate(words)]
    # Without MFD_CLOEXEC: the file must survive the exec of systemd-run.
    descriptor = os.memfd_create("manage", 0)
    with open(descriptor, "w", encoding="ascii", closefd=False) as file:
        file.writelines(lines)
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def run(command, unit):
    """Run *command* and return its exit code; forward signals to the unit, which would outlive systemd-run."""
    received = []

    def forward(number, _frame):
        received.append(number)
        name = "SIGINT" if number == signal.SIGINT else "SIGTERM"
        # The unit may not exist yet.
        for _attempt in range(20):
            if call(["systemctl", "kill", f"--signal={name}", unit], file_actions=QUIET) == 0:
                break
            time.sleep(0.1)

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, forward)
    # In its own process group it does not get SIGINT from the terminal.
    code = call(command, setpgroup=0)
    if received:
        signal.signal(received[0], signal.SIG_DFL)
        os.kill(os.getpid(), received[0])
    return code


def call(command, **options):
    """Run *command* and return its exit code."""
    process = os.posix_spawnp(command[0], command, os.environ, **options)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

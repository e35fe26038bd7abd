"""Problems of processes, timers, sandbox and limits."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.unit_options import of_units

KNOWN = ["MemoryDenyWriteExecute", "SystemCallFilter", "UMask"]
WORKER = {"name": "worker", "command": "celery -A shop worker", "stop_timeout": 120}
DAILY = {"name": "clearsessions", "command": "python manage.py clearsessions", "on_calendar": "daily", "timeout": 60}


def found(**options):
    return "\n".join(of_units(options, KNOWN))


def test_valid_options_have_no_problems():
    sandbox = {"MemoryDenyWriteExecute": False, "SystemCallFilter": ["@system-service", "~@mount"], "UMask": "0007"}
    assert found(processes=[WORKER], timers=[DAILY], sandbox=sandbox) == ""
    assert found() == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Mail"}, "processes[Mail]: name 'Mail' must be a lower-case letter"),
        ({"name": "two-mail"}, "name 'two-mail' must be"),
        ({"name": "mail\n"}, "must be a lower-case letter"),
        ({"name": 1}, "name '1' must be"),
        ({"name": "web"}, "name 'web' is reserved: choose one other than web, prepare."),
        ({"name": "prepare"}, "name 'prepare' is reserved"),
        ({"comand": "x"}, "processes[worker]: unknown key 'comand': did you mean 'command'?"),
        ({"on_calendar": "daily"}, "unknown key 'on_calendar'. Known: command, name, run_on, stop_timeout."),
        ({"command": ""}, "command '' must be a string: a program and its arguments. Write it like 'celery"),
        ({"command": None}, "command '' must be a string"),
        ({"command": ["celery"]}, "command '['celery']' must be a string"),
        ({"command": "celery\nworker"}, "contains a line break or a control character. Write it in one line"),
        ({"command": "celery 'worker"}, "cannot be split into words: No closing quotation. Close the quotes"),
        ({"command": "A=1 celery"}, "must begin with a program. Variables belong in environment"),
        ({"command": "-x celery"}, "must begin with a program"),
        ({"command": "celery -b amqp://shop:s3cret@mq/"}, "command contains an address with a password"),
        ({"command": "'' celery"}, "must begin with a program"),
        (
            {"command": "celery worker >> log"},
            "is not run by a shell, so '>>' would be an argument. Use sh -c '...'",
        ),
        ({"command": "a && b"}, "'&&' would be an argument"),
        ({"stop_timeout": 0}, "stop_timeout '0' must be a whole number of seconds"),
        ({"stop_timeout": "1min"}, "stop_timeout '1min' must be"),
        ({"stop_timeout": True}, "stop_timeout 'True' must be"),
    ],
)
def test_each_problem_of_a_process_is_named(changes, said):
    assert said in found(processes=[{**WORKER, **changes}])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"on_calendar": None},
            "timers[clearsessions]: on_calendar '' must be a calendar expression of systemd, like",
        ),
        ({"on_calendar": " "}, "on_calendar ' ' must be"),
        ({"on_calendar": "-1"}, "on_calendar '-1' must be"),
        ({"on_calendar": "daily\nOnBootSec=1"}, "must be a calendar expression"),
        ({"on_calender": "daily"}, "unknown key 'on_calender': did you mean 'on_calendar'?"),
        ({"timeout": -1}, "timeout '-1' must be a whole number of seconds"),
    ],
)
def test_each_problem_of_a_timer_is_named(changes, said):
    assert said in found(timers=[{**DAILY, **changes}])


def test_names_are_unique():
    said = found(processes=[WORKER, {**WORKER, "name": "mail"}], timers=[{**DAILY, "name": "mail"}])
    assert said.startswith("processes and timers: the name 'mail' is used twice")


@pytest.mark.parametrize("given", ["celery", {"worker": "celery"}, ["celery"]])
def test_a_list_of_dictionaries_is_required(given):
    assert "processes: " in found(processes=given)


@pytest.mark.parametrize(
    ("sandbox", "said"),
    [
        (
            {"MemoryDenyWriteExec": False},
            "unknown directive 'MemoryDenyWriteExec': did you mean 'MemoryDenyWriteExecute'?",
        ),
        ({"User": "root"}, "unknown directive 'User'. Known: MemoryDenyWriteExecute, SystemCallFilter, UMask."),
        ({"MemoryDenyWriteExecute": None}, "MemoryDenyWriteExecute must be a string, a number, a boolean"),
        ({"SystemCallFilter": {"a": 1}}, "SystemCallFilter must be a string"),
        ({"SystemCallFilter": "@mount\nUser=root"}, "SystemCallFilter must be one line"),
        ({"SystemCallFilter": "@mount \\"}, "without a backslash at its end"),
        ({"UMask": 23}, "UMask must be quoted"),
        (["MemoryDenyWriteExecute"], "sandbox: must be a dictionary"),
    ],
)
def test_each_problem_of_the_sandbox_is_named(sandbox, said):
    assert said in found(sandbox=sandbox)


@pytest.mark.parametrize("memory", ["1%", "75%", "100%", "512M", "2G", "1T"])
def test_valid_memory_limits(memory):
    assert found(limits={"memory": memory, "cpu": 200, "tasks": "512", "open_files": 1024}) == ""


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"memory": "64M"}, "limits: memory '64M' is less than 100M"),
        (
            {"memory": 512},
            "limits: memory '512' must be a percentage of the host's memory, like '75%', or like 2G",
        ),
        ({"memory": "0%"}, "memory '0%' must be"),
        ({"memory": "101%"}, "memory '101%' must be"),
        ({"memory": "1.5G"}, "memory '1.5G' must be"),
        ({"memory": "2GB"}, "memory '2GB' must be"),
        ({"memory": "2G\nMemoryLow=1"}, "must be a percentage"),
        ({"cpu": "50%"}, "limits: cpu '50%' must be a whole number from 1 to 10000. It is a weight:"),
        ({"cpu": 0}, "cpu '0' must be"),
        ({"cpu": True}, "cpu 'True' must be"),
        ({"tasks": 10}, "limits: tasks '10' must be a whole number from 64 to 4194304. It is the number of processes"),
        ({"tasks": "infinity"}, "tasks 'infinity' must be"),
        ({"open_files": 2000000}, "open_files '2000000' must be a whole number from 256 to 1048576. It is the number"),
        ({"task": 100}, "limits: unknown key 'task': did you mean 'tasks'?"),
        (["tasks"], "limits: must be a dictionary with some of the keys memory, cpu, tasks, open_files"),
    ],
)
def test_each_problem_of_the_limits_is_named(limits, said):
    assert said in found(limits=limits)

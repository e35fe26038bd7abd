"""Which commands are workers, and what decides about their broker."""

from __future__ import annotations

import shlex

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.workers.commands import (
    Program,
    Worker,
    recognize,
    words_of,
)
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import command_line

UNIT = """# Made by Gatehouse for the app shop; changes are overwritten.
[Service]
EnvironmentFile=/srv/shop/current/env
ExecStart=/usr/bin/env "PATH=/srv/shop/releases/${{GATEHOUSE_RELEASE}}/venv/bin:${{PATH}}" {}
Restart=always
"""


def words(command):
    return words_of(UNIT.format(command_line(command)))


@pytest.mark.parametrize("command", ["celery -A shop worker -n w1@%h", r"""sh -c 'echo "100% of $HOME" \\'""", "a ''"])
def test_the_words_are_those_of_the_inventory(command):
    assert words(command) == shlex.split(command)


@pytest.mark.parametrize("text", ["", "ExecStart=/usr/bin/sleep 1", UNIT.format('"unfinished')])
def test_another_unit_has_no_words(text):
    assert words_of(text) == []
    assert recognize("shop-x.service", []) is None


@pytest.mark.parametrize(
    ("command", "program", "node", "pool"),
    [
        ("celery -A shop worker", Program("celery", "shop"), "", ""),
        (
            "celery --app=shop.celery:app -q worker -c 2 -n w1@%h -P solo",
            Program("celery", "shop.celery:app"),
            "w1@%h",
            "solo",
        ),
        ("python -m celery -Ashop worker --pool=threads -nx", Program("celery", "shop"), "x", "threads"),
        (
            "/usr/bin/python3.13 -m celery --workdir src -A shop worker -l INFO",
            Program("celery", "shop", "src"),
            "",
            "",
        ),
        (
            "env A=1 celery -b redis://x -A shop worker",
            Program("celery", "shop", "", (("A", "1"), ("CELERY_BROKER_URL", "redis://x"))),
            "",
            "",
        ),
        ("celery -A worker worker", Program("celery", "worker"), "", ""),
    ],
)
def test_a_worker(command, program, node, pool):
    assert recognize("shop-w.service", words(command)) == Worker("shop-w.service", program, node, pool)


@pytest.mark.parametrize(
    "command",
    [
        "celery -A shop beat",
        "celery -A shop",
        "celery --unknown x -A shop worker",
        "celery -A shop worker --detach",
        "sh -c 'celery -A shop worker'",
        "env -i celery -A shop worker",
        "python manage.py celery worker",
        "sleep infinity",
        "celery -A shop beat",
        "rq worker --url redis://127.0.0.1/0 default",
        "python manage.py rqworker default",
        "python manage.py run_huey",
        "huey_consumer shop.huey",
        "dramatiq shop.tasks",
        "python manage.py qcluster",
        "python manage.py db_worker",
    ],
)
def test_no_worker_that_can_be_asked(command):
    assert recognize("shop-w.service", words(command)) is None

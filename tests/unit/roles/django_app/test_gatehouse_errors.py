"""The traceback of a failed request is in the journal once, whatever the project's logging is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/django_app/files"
# What the tests need of Django: the signal, and the settings.
DJANGO = """
class Signal:
    def connect(self, receiver, dispatch_uid):
        self.receiver = receiver


got_request_exception = Signal()
"""
# A 500 as Django makes it: it sends the signal, then it logs.
REQUEST = """
from django.core.signals import got_request_exception
from gatehouse_errors import report_errors

report_errors()
try:
    1 / 0
except ZeroDivisionError:
    got_request_exception.receiver(sender=None, request=types.SimpleNamespace(path="/boom/\\n"))
    logging.getLogger("django.request").error("Django says", exc_info=True)
"""
CONFIGURATIONS = {
    "nothing": "",
    "the overlay": "log.addHandler(logging.StreamHandler())",
    "a console of the root": "logging.basicConfig(stream=sys.stdout)",
    "only when DEBUG is true": """
class RequireDebugTrue:
    def filter(self, record):
        return False
handler = logging.StreamHandler()
handler.addFilter(RequireDebugTrue())
log.addHandler(handler)
""",
    "a file": "log.addHandler(logging.FileHandler(os.devnull))",
    "disabled": "logging.basicConfig(); log.disabled = True",
    "a level that is too high": "logging.basicConfig(); log.setLevel(logging.CRITICAL)",
    "a handler with a level that is too high": "logging.basicConfig(); logging.root.handlers[0].setLevel(60)",
    "no propagation": "logging.basicConfig(); log.addHandler(logging.NullHandler()); log.propagate = False",
    "another stream": "import io; log.addHandler(logging.StreamHandler(io.StringIO()))",
    "a copy of standard error": "log.addHandler(logging.StreamHandler(os.fdopen(os.dup(2), 'w')))",
    "disabled as a whole": "logging.basicConfig(); logging.disable(logging.CRITICAL)",
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_error_is_printed_once(tmp_path, name):
    (tmp_path / "django" / "core").mkdir(parents=True)
    (tmp_path / "django" / "core" / "signals.py").write_text(DJANGO)
    (tmp_path / "django" / "conf.py").write_text("import types\nsettings = types.SimpleNamespace(DEBUG=False)\n")
    start = "import logging, os, sys, types\nlog = logging.getLogger('django.request')\n"
    program = f"{start}{CONFIGURATIONS[name]}\n{REQUEST}"
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{FILES}"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    printed = done.stdout + done.stderr
    assert printed.count("ZeroDivisionError: division by zero") == 1, printed
    if "Django says" not in printed:
        assert printed.startswith("Internal Server Error: /boom/\\n\nTraceback")


def test_an_error_while_reporting_is_not_raised(monkeypatch):
    monkeypatch.syspath_prepend(str(FILES))
    import gatehouse_errors

    monkeypatch.setattr(gatehouse_errors, "is_logged", lambda: 1 / 0)
    try:
        raise ValueError
    except ValueError:
        gatehouse_errors.report()

"""What is deployed: the guestbook under load, whose hosts fail on demand, and a small project for the time."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import lab
from benchmarks.fleet.hosts import DATABASE

NAME, TINY_NAME = "guestbook.example.test", "tiny.example.test"
STYLESHEET = "entries/static/entries/guestbook.css"
# A host with this file answers with an error; on one with the other, a process ends that has to run.
NO_START, NO_SWITCH = "/etc/bench-no-start", "/etc/bench-no-switch"
FAULT = f"""

healthy = healthz


def healthz(request):
    if os.path.exists("{NO_START}"):
        raise RuntimeError("this host cannot answer")
    return healthy(request)
"""
POSTGRESQL = """
import dj_database_url

DATABASES = {"default": dj_database_url.config()}
"""
KEY = "a-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check"
SEPARATE = {"engine": "postgresql", "host": DATABASE}


def guestbook(work: Path) -> Path:
    """A copy of the guestbook."""
    copy = _copy("examples/guestbook", work)
    _append(copy / "guestbook/probes.py", FAULT)
    return copy


def tiny(work: Path) -> Path:
    """A copy of the small project, with PostgreSQL."""
    copy = _copy("tests/projects/tiny", work)
    _append(copy / "tiny/settings.py", POSTGRESQL)
    _append(copy / "requirements.txt", "dj-database-url==3.1.2\npsycopg[binary]==3.2.13\n")
    return copy


def change(project: Path, state: str) -> None:
    """The next release has other code and, if it has that file, another stylesheet."""
    _append(project / "manage.py", f"# {state}\n")
    if (project / STYLESHEET).exists():
        _append(project / STYLESHEET, f"/* {state} */\n")


def variables(project: Path, timeout: int) -> dict[str, object]:
    """The inventory's variables for the guestbook; *timeout* in seconds is the app's option."""
    app = {
        "name": "guestbook",
        "hosts": "web",
        "source": {"directory": str(project)},
        "settings_module": "guestbook.settings",
        "interface": "asgi",
        "health_path": "/healthz",
        "requirements": ["psycopg[binary]"],
        "database": SEPARATE,
        "workers": 1,
        "timeout": timeout,
        "environment": {"DJANGO_ALLOWED_HOSTS": NAME},
        "secrets": {"DJANGO_SECRET_KEY": KEY},
        "processes": [{"name": "watch", "command": f"sh -c 'test ! -e {NO_SWITCH} && exec sleep infinity'"}],
    }
    site = {
        "name": "guestbook",
        "app": "guestbook",
        "hosts": "balancers",
        "server_name": [NAME],
        "tls": "self_signed",
        "websocket_paths": ["/ws/"],
    }
    return {"django_apps": [app], "django_sites": [site]}


def tiny_variables(project: Path) -> dict[str, object]:
    """The inventory's variables for the small project."""
    app = {
        "name": "tiny",
        "hosts": "web",
        "source": {"directory": str(project)},
        "settings_module": "tiny.settings",
        "database": SEPARATE,
        "workers": 1,
        "environment": {"ALLOWED_HOSTS": TINY_NAME},
        "secrets": {"DJANGO_SECRET_KEY": KEY},
    }
    site = {"name": "tiny", "app": "tiny", "hosts": "balancers", "server_name": [TINY_NAME], "tls": "self_signed"}
    return {"django_apps": [app], "django_sites": [site]}


def _copy(project: str, work: Path) -> Path:
    copy = work / Path(project).name
    return shutil.copytree(
        lab.ROOT / project, copy, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3*", "media")
    )


def _append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

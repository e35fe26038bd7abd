"""What ran while another release was deployed, and what an app answers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.long import host_of, take_one_host
from helpers.play import REPOSITORY

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from plays import HOSTS, NEW_TOKEN, SHOWN, Observer, play  # noqa: E402

# The controller refuses, whatever the host is. Removal is the same code on both, as is Celery; Debian 13 has the newer
# systemd.
ONE_HOST = {"test_refused.py": "bookworm", "test_removed.py": "trixie", "test_workers.py": "bookworm"}


def pytest_collection_modifyitems(config, items):
    """The removal comes last: it takes away what the other tests look at."""
    take_one_host(config, items, ONE_HOST)
    items.sort(key=lambda item: item.module.__name__.endswith("test_removed"))


@pytest.fixture(scope="module")
def chosen(request):
    """The hosts that tests of the module run on."""
    items = [item for item in request.session.items if item.path == request.path]
    return [name for name in HOSTS if any(host_of(item).endswith(name) for item in items)]


@pytest.fixture(scope="session")
def second_release(tmp_path_factory):
    """What was seen on each host while a changed project was deployed, with another secret and less to run."""
    directory = tmp_path_factory.mktemp("second")
    project = shutil.copytree(REPOSITORY / "tests/projects/queue", directory / "queue")
    module = project / "jobs/__init__.py"
    module.write_text(module.read_text().replace('VERSION = "1"', f'VERSION = "{uuid4()}"'))
    selected = {
        "source": {"directory": str(project)},
        "secrets": {"JOBS_TOKEN": NEW_TOKEN},
        "limits": {"memory": "3G", "tasks": 1000},
        "processes": [
            {"name": "worker", "command": "celery -A jobs worker --concurrency 2", "stop_timeout": 90},
            {"name": "beat", "command": f"celery -A jobs beat --schedule {SHOWN}"},
        ],
        "timers": [
            {"name": "note", "command": "python manage.py note '100% of $HOME'", "on_calendar": "*:*:0/15"},
            {"name": "clearsessions", "command": "python manage.py clearsessions", "on_calendar": "daily"},
            {"name": "lasting", "command": "sleep 86400", "on_calendar": "yearly"},
        ],
    }
    before = {name: {"before": release_on(name), "job": start_job(name)} for name in HOSTS}
    observers = {name: Observer(name) for name in HOSTS}
    succeeded, output = play(HERE / "deploy.yml", directory, changes={"queue": selected})
    seen = {name: observer.stop() | before[name] for name, observer in observers.items()}
    assert succeeded, output
    return seen | {"output": output}


@pytest.fixture
def deployed(host, second_release):
    """What was seen on this host."""
    return second_release[host.backend.name]


def run(name, *words):
    return subprocess.run(["podman", "exec", name, *words], capture_output=True, text=True, check=True).stdout.strip()


def release_on(name):
    return os.path.basename(run(name, "readlink", "/srv/queue/current"))


def start_job(name):
    """The process of a timer's job that runs for longer than any deployment takes."""
    run(name, "systemctl", "start", "--no-block", "queue-lasting.service")
    process = "systemctl show -P MainPID queue-lasting.service"
    return run(name, "sh", "-c", f"while [ $({process}) = 0 ]; do sleep 0.1; done; {process}")


@pytest.fixture
def ask(host):
    """What an app answers on the socket of the release that is live, where nginx would ask."""

    def answer(path, app="queue"):
        command = "curl --silent --show-error --fail --max-time 30 --unix-socket /srv/%s/current/web.sock %s"
        return host.check_output(command, app, f"http://{app}.example.test{path}")

    return answer


@pytest.fixture
def rows(ask):
    """The rows of a kind, the oldest first."""
    return lambda kind: json.loads(ask(f"/rows/{kind}"))["rows"]

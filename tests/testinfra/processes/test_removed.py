"""An absent app is removed, its data only with remove_data, and other apps are not affected."""

import json
import re
import subprocess

import pytest
from plays import HERE, on_host, play

UNRELATED = """[Service]
ExecStart=/usr/bin/sleep 98765
"""
# Names that begin like the app's, and are another's; and a process of its user that no unit knows of.
NEIGHBOURS = f"""
printf '%s' '{UNRELATED}' > /etc/systemd/system/queue-unrelated.service
mkdir -p /srv/queue-notes && touch /srv/queue-notes/note
systemctl daemon-reload && systemctl start queue-unrelated.service
curl --silent --fail --unix-socket /srv/queue/current/web.sock http://queue.example.test/keep/precious
setsid setpriv --reuid queue --regid queue --clear-groups sleep 600 < /dev/null > /dev/null 2>&1 &
"""
# The next user that is made gets the number of the one that has gone.
SQUATTER = "useradd --system squatter"
KEPT = "curl --silent --fail --unix-socket /srv/queue/current/web.sock http://queue.example.test/kept"


def everywhere(hosts, command):
    """The output of *command* on each of these hosts."""
    return {
        name: subprocess.run(
            ["podman", "exec", name, "sh", "-c", command], capture_output=True, text=True, check=True
        ).stdout
        for name in hosts
    }


def look(hosts):
    """What look.py says of each of these hosts."""
    ran = {name: subprocess.run(on_host(name, "look.py"), capture_output=True, text=True, check=True) for name in hosts}
    return {name: json.loads(done.stdout) for name, done in ran.items()}


@pytest.fixture(scope="module")
def steps(tmp_path_factory, chosen):
    """What there was on each host before and after each step, and how much the step changed."""
    directory = tmp_path_factory.mktemp("removed")
    absent = {"state": "absent"}
    everywhere(chosen, NEIGHBOURS)
    taken = {"before": (look(chosen), {})}

    def take(step, changes):
        succeeded, output = play(HERE / "deploy.yml", directory, chosen, changes={"queue": changes}, confirm="queue")
        assert succeeded, output
        changed = {name: int(re.search(rf"{name} .*changed=(\d+)", output)[1]) for name in chosen}
        taken[step] = (look(chosen), changed)

    take("removed", absent)
    take("removed again", absent)
    everywhere(chosen, SQUATTER)
    take("back", {})
    kept = everywhere(chosen, KEPT)
    take("removed with its data", {**absent, "remove_data": True})
    take("removed with its data again", {**absent, "remove_data": True})
    return taken | {"kept": kept}


@pytest.fixture
def after(host, steps):
    return lambda step: steps[step][0][host.backend.name]


@pytest.fixture
def changed(host, steps):
    return lambda step: steps[step][1][host.backend.name]


def own(names):
    """Those that are the app's: its directory, its units, what systemd keeps of them."""
    neighbours = ("queue-two", "queue-unrelated", "queue-notes")
    ours = [name for name in names if re.search(r"(^|/|stamp-|gatehouse-)queue(-|/|\.slice|$)", name)]
    return [name for name in ours if not any(neighbour in name for neighbour in neighbours)]


def test_there_was_something_to_remove(after):
    before = after("before")
    assert {"queue-worker.service", "queue-beat.service", "queue-note.timer"} <= set(before["units"])
    assert "gatehouse-queue.slice" in own(before["units"])
    assert "/etc/systemd/system/gatehouse-queue.slice" in own(before["files"])
    assert len(before["processes"]["queue"]) >= 5
    assert "/srv/queue/data/notebook.sqlite3" in before["files"]


@pytest.mark.parametrize("step", ["removed", "removed with its data"])
def test_user_processes_and_units_are_gone(after, step):
    found = after(step)
    assert "queue" not in found["users"]
    assert own(found["units"]) == []
    assert [name for name in own(found["files"]) if not name.startswith("/srv/")] == []


def test_the_app_has_no_process_left(after):
    assert len(after("before")["left"]) >= 5
    assert after("removed")["left"] == []


def test_its_data_is_kept(after):
    files = own(after("removed")["files"])
    assert "/srv/queue/data/notebook.sqlite3" in files
    assert [name for name in files if not name.startswith("/srv/queue/data") and name != "/srv/queue"] == []


def test_deployed_again_it_finds_its_data(host, after, steps):
    assert "queue" in after("back")["users"]
    assert "precious" in json.loads(steps["kept"][host.backend.name])["notes"]


def test_remove_data_removes_its_data(after):
    assert own(after("removed with its data")["files"]) == []


@pytest.mark.parametrize("step", ["removed", "removed again", "removed with its data"])
def test_neighbours_are_left_alone(after, step):
    before, found = after("before"), after(step)
    theirs = set(before["files"]) - set(own(before["files"]))
    assert theirs - set(found["files"]) == set()
    assert found["processes"]["queue-two"] == before["processes"]["queue-two"]
    assert found["unrelated"] == before["unrelated"] != []


@pytest.mark.parametrize("step", ["removed", "removed with its data"])
def test_a_second_run_changes_nothing(changed, step):
    assert changed(step) > 0
    assert changed(f"{step} again") == 0

"""Operating one of several apps from the controller: deploy, status, manage, logs, and the history of its changes."""

import json
import os
import re
import subprocess
import time
from uuid import uuid4

from helpers.module import call
from helpers.play import ANSIBLE, REPOSITORY, Play, inventory
from plays import deploy

SECRET = "the-third-key-for-throwaway-hosts-that-is-long-enough-for-the-check"
HISTORY = "/var/lib/gatehouse/history"


def play(name, host, **variables):
    return Play(f"gatehouse.django.{name}", host, **variables).finish()


def lines(played):
    """The lines of the last message that is a list."""
    return json.JSONDecoder().raw_decode("[" + played.output.rpartition('"msg": [')[2])[0]


def generation(host):
    return host.check_output("readlink -f /etc/nginx/gatehouse/live")


def test_one_app_is_deployed_and_the_others_are_left_alone(host):
    before = generation(host), host.check_output("readlink /srv/evil/current /srv/victim/current")
    played = play("site", host, app="wire", django_site_purge=True)
    assert played.code == 0, played.output
    assert "changed=0" in played.output
    assert "gatehouse.django.nginx" not in re.findall(r"TASK \[(\S+) :", played.output)
    # The role has this task once for each app.
    assert played.output.count("TASK [gatehouse.django.django_app : Set up its backup, or end it") == 1
    assert (generation(host), host.check_output("readlink /srv/evil/current /srv/victim/current")) == before


def test_an_unknown_app_is_refused(host):
    for name in ("site", "status"):
        played = play(name, host, app="wird")
        assert played.code != 0
        assert "unknown app 'wird': did you mean 'wire'?" in played.refusal
        assert "Known: evil, victim, wire." in played.refusal


def test_data_is_removed_only_with_confirmation(host):
    played = deploy(host, "wire", state="absent", remove_data=True, confirm="evil")
    assert played.code != 0
    assert "would delete /srv/wire/data" in played.refusal
    assert "-e confirm=wire" in played.refusal
    assert host.file("/srv/wire/current").exists


def test_a_failure_tells_its_phases_and_is_in_the_history(host):
    played = deploy(host, "wire", settings_module="tiny.nothing", application="tiny.asgi:app")
    assert played.code != 0
    assert re.search(r"\nSeconds: source [\d.]+, dependencies [\d.]+, .*settings [\d.]+\.\n", played.refusal)
    assert re.search(r'"phases": \{\s+"dependencies"', played.output)
    (app,) = call(host, "django_status", app="wire")["apps"]
    last = app["deployments"][0]
    assert [last[key] for key in ("action", "result", "before", "user")] == ["deploy", "failed", app["release"], "root"]
    assert "phase 'settings'" in last["error"]
    assert "@" in last["by"]
    assert app["deployments"][-1]["result"] == "ok"
    assert app["by"] == last["by"]


def test_an_app_cannot_touch_the_history(as_user):
    for command in (f"cat {HISTORY}/evil.jsonl", f"ls {HISTORY}", f"echo x >> {HISTORY}/evil.jsonl"):
        assert "Permission denied" in as_user("evil", command).stderr


def test_the_status_of_each_app(host):
    found = call(host, "django_status", check=True, deployments=1)
    assert not found["changed"]
    assert found["installed"] == [app["name"] for app in found["apps"]] == ["evil", "victim", "wire"]
    app = found["apps"][0]
    assert app["release"] == host.check_output("basename $(readlink /srv/evil/current)")
    units = {unit["name"]: unit for unit in app["units"]}
    assert {"evil-words.service", f"evil-web@{app['release']}.service"} <= set(units)
    assert not any(unit["failing"] for unit in units.values())
    assert app["disk"]["releases"] > 1e6
    (site,) = app["sites"]
    assert (site["site"], 800 < site["days"] <= 825) == ("evil.example.test", True)


def test_the_status_is_a_table(host):
    table = lines(play("status", host))
    assert re.match(r"HOST +APP +RELEASE", table[0])
    assert re.match(rf"{host.backend.name} +evil +[0-9a-f]", table[1])
    assert any(line.startswith(f"{host.backend.name} evil: last changes") for line in table)


def test_the_status_is_json(host):
    played = play("status", host, app="wire", format="json")
    found = json.JSONDecoder().raw_decode("{" + played.output.rpartition('"msg": {')[2])[0]
    assert [app["name"] for app in found[host.backend.name]["apps"]] == ["wire"]


def test_a_management_command_as_it_is_typed(host):
    """Ansible takes only the first word as the value: the shell has removed the quotes."""
    code = "import os; print(os.environ['DJANGO_SECRET_KEY'], 6 * 7)"
    typed = ["app=wire", f'command=shell -c "{code}" --no-color']
    options = [f"--inventory={inventory(host)}", f"--limit={host.backend.name}", *(f"-e{one}" for one in typed)]
    command = ["ansible-playbook", *options, "gatehouse.django.manage"]
    environment = os.environ | ANSIBLE
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n******** 42\nok: " in done.stdout
    assert SECRET not in done.stdout


def test_a_management_command_that_fails(host):
    played = play("manage", host, app="wire", command="nothing")
    assert played.code != 0
    assert played.refusal == "wire: 'nothing' failed with exit code 1."
    assert "Unknown command: 'nothing'" in lines(played)


def test_variables_of_a_command_are_in_no_argument_list(host):
    code = "import os, time; time.sleep(float(os.environ['NAP']))"
    running = Play(
        "gatehouse.django.manage", host, app="wire", command=f'shell -c "{code}"', manage_environment={"NAP": "4.125"}
    )
    seen = ""
    while running.process.poll() is None:
        seen += host.check_output("ps -ewwo args; systemctl show --property=ExecStart 'wire-manage-*.service'")
    assert running.finish().code == 0
    assert "wire-manage-" in seen
    assert "4.125" not in seen


def test_logs_without_secrets_and_tokens(host):
    token = uuid4().hex
    ask = "curl --silent --insecure --resolve wire.example.test:443:127.0.0.1 %s"
    host.check_output(ask, f"https://wire.example.test/nothing-here?token={token}&page=2")
    host.check_output(ask, f"https://wire.example.test/media/nothing?token={token}")
    deadline = time.monotonic() + 20
    while token not in host.check_output("cat /var/log/nginx/wire.access.log") and time.monotonic() < deadline:
        time.sleep(0.5)
    played = play("logs", host, app="wire", since="10min")
    assert played.code == 0, played.output
    shown = lines(played)
    assert any(
        re.search(r" access +wire\.example\.test +404 \S+ GET wire\.example\.test/nothing-here\?token=\*{8}&", one)
        for one in shown
    )
    assert any(re.search(r" error +wire\.example\.test +\[error\].*/media/nothing", one) for one in shown)
    assert [one[:24] for one in shown] == sorted(one[:24] for one in shown)
    assert token not in played.output
    assert SECRET not in played.output


def test_logs_that_cannot_be_read(host):
    found = call(host, "django_logs", app="wire", since="soon")
    assert (found["failed"], found["msg"].startswith("since: 'soon' cannot be read")) == (True, True)
    found = call(host, "django_logs", app="wire", site="wird.example.test")
    assert "site: unknown site 'wird.example.test': did you mean 'wire.example.test'?" in found["msg"]

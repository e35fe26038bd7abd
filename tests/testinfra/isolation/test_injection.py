"""The app gets the values of the inventory unchanged, even if they mean something to systemd, a shell or Python."""

import json
import random
from pathlib import Path

import pytest
import yaml
from ansible_collections.gatehouse.django.plugins.module_utils._app.environment import render
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.render import command_line
from helpers.hosts import unit
from helpers.long import LONG

INVENTORY = Path(__file__).parents[3] / "molecule/isolation/inventory/group_vars/all.yml"
GIVEN = yaml.safe_load(INVENTORY.read_text())
LINE = GIVEN["lab_hostile_line"]
TEXT = GIVEN["lab_hostile_text"].replace("{{ lab_hostile_line }}", LINE)
PIECES = [*"%$\\\"'`{}[]()#;:=~*?!@-+,.&|<>/ nuxhi0", "\t", "%%", "$$", "${HOME}", "\\x25", "ë", "日", "\u2028"]
SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"


def of_process(host, name, file):
    """The words of a file of the main process of a unit in /proc."""
    pid = host.check_output("systemctl show -P MainPID %s", name)
    code = f"import json; print(json.dumps(open('/proc/{pid}/{file}', encoding='utf-8').read()))"
    return json.loads(host.check_output("python3 -c %s", code)).split("\0")[:-1]


@pytest.mark.parametrize("kind", ["web", "words"])
def test_a_variable_is_passed_on_unchanged(host, kind):
    name = unit(host, "evil", "service") if kind == "web" else "evil-words.service"
    assert f"HOSTILE={TEXT}" in of_process(host, name, "environ")


def test_a_command_is_passed_on_unchanged(host):
    assert of_process(host, "evil-words.service", "cmdline")[-1] == LINE


@pytest.mark.parametrize("kind", ["web", "words"])
def test_a_directive_of_the_sandbox_is_passed_on_unchanged(host, kind):
    name = unit(host, "evil", "service") if kind == "web" else "evil-words.service"
    shown = host.check_output("systemctl show -P ReadWritePaths %s", name)
    assert '"-/srv/evil/100%d of ' in shown


def test_random_values_are_passed_on_unchanged(host):
    """What the role writes into an EnvironmentFile and behind ExecStart=, as this host's systemd reads it."""
    source = random.Random(20_000 if LONG else 1)
    texts = ["".join(source.choices(PIECES, k=source.randrange(12))) for _text in range(2_000 if LONG else 200)]
    values = {f"V{number}": "\n".join(texts[number : number + 2]) for number in range(len(texts))}
    command = "python3 -c " + " ".join("'" + word.replace("'", "'\"'\"'") + "'" for word in [SHOW, *texts])
    service = "[Service]\nType=oneshot\nEnvironmentFile=/tmp/words\nStandardOutput=truncate:/tmp/words.out\n"
    service += f"ExecStart={command_line(command)}\n"
    host.check_output("printf %%s %s > /tmp/words", render(values))
    host.check_output("printf %%s %s > /run/systemd/system/words.service", service)
    host.check_output("systemctl daemon-reload && systemctl start words.service")
    given, words = json.loads(host.check_output("cat /tmp/words.out"))
    host.check_output("rm /run/systemd/system/words.service /tmp/words* && systemctl daemon-reload")
    assert words == texts
    assert {name: given.get(name) for name in values} == values

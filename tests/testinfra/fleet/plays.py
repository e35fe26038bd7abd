"""Plays with another inventory than that of the scenario: more hosts, other options of its apps and sites."""

import json
import os
import subprocess
from pathlib import Path

import testinfra
import yaml
from helpers.play import ANSIBLE, REPOSITORY, Play, inventory

BALANCER = "gatehouse-fleet-lb"
# The balancers with the inventory SECOND beside that of the scenario, and the address that they share.
BALANCERS = (BALANCER, "gatehouse-fleet-lb2")
SECOND = Path(__file__).parent / "second_balancer.yml"
SHARED = "10.88.240.40"
SITE = REPOSITORY / "playbooks/site.yml"
# The directories of the sources in the inventory, which extra variables find from any host.
SOURCES = {
    "guestbook": REPOSITORY / "examples/guestbook",
    "shop": REPOSITORY / "tests/projects/ledger",
}


def balancer():
    return testinfra.get_host(f"podman://{BALANCER}")


def _variables():
    return yaml.safe_load((inventory(balancer()) / "group_vars/all.yml").read_text())


def apps(**changes):
    """The apps of the inventory with these *changes*, by name."""
    entries = [one | {"source": {"directory": str(SOURCES[one["name"]])}} for one in _variables()["django_apps"]]
    return [one | changes.get(one["name"], {}) for one in entries]


def sites(**changes):
    """The sites of the inventory with these *changes*."""
    return [site | changes for site in _variables()["django_sites"]]


def publish(host, hosts=("all",), **changes):
    """How a play ended that publishes the sites of the inventory, with these changes."""
    return Play(SITE, host, hosts=list(hosts), tags=["sites"], django_sites=sites(**changes)).finish()


def play(playbook, *options, second=None, **variables):
    """How a play ended with the inventory of the scenario, and a *second* one beside it; extra variables by name."""
    inventories = [f"--inventory={one}" for one in (inventory(balancer()), second) if one]
    given = [f"--extra-vars={json.dumps(variables)}"] if variables else []
    command = ["ansible-playbook", *inventories, *options, *given, playbook]
    return subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | ANSIBLE, capture_output=True, text=True, check=False
    )


def succeeded(playbook, *options, second=None, **variables):
    """What such a play printed, which must succeed."""
    played = play(playbook, *options, second=second, **variables)
    assert played.returncode == 0, played.stdout
    return played.stdout

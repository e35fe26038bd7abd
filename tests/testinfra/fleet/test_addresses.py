"""Two balancers with one address: one of them has it, and the other one takes it."""

from functools import partial

import plays
import pytest
import visits
from helpers.hosts import eventually
from plays import BALANCERS as HOSTS
from plays import SECOND
from plays import SHARED as ADDRESS

pytestmark = pytest.mark.long


play = partial(plays.play, second=SECOND)


def holders(balancers):
    return [name for name, host in balancers.items() if ADDRESS in host.check_output("ip -br address")]


def test_one_balancer_has_the_address_and_answers_there(balancers, web_hosts):
    assert len(holders(balancers)) == 1
    assert visits.nodes_after_a_death(ADDRESS, web_hosts) == set(web_hosts)


def test_the_other_one_takes_it_when_nginx_is_stopped(balancers):
    (before,) = holders(balancers)
    balancers[before].check_output("systemctl stop nginx")
    try:
        (after,) = eventually(lambda: holders(balancers), until=lambda found: found and found != [before])
        assert visits.get(ADDRESS, "/whoami").status == 200
    finally:
        balancers[before].check_output("systemctl start nginx")
    # A host that is back does not take it again.
    assert holders(balancers) == [after]


def test_a_second_run_changes_nothing(balancers):
    played = play("gatehouse.django.site", "--tags=nginx", "--limit=balancers")
    assert played.returncode == 0, played.stdout
    assert "changed=0" in played.stdout
    assert "changed=1" not in played.stdout


def test_one_of_both_cannot_be_changed_alone(balancers, tmp_path):
    changed = tmp_path / "changed.yml"
    changed.write_text(SECOND.read_text().replace("[10.88.240.40]", "[10.88.240.40, 10.88.240.41]"))
    played = play("gatehouse.django.site", "--tags=nginx", f"--limit={HOSTS[0]}", f"--inventory={changed}")
    assert played.returncode != 0
    assert f"{HOSTS[1]} must learn of the change at the same time" in " ".join(played.stdout.split())
    assert len(holders(balancers)) == 1


def test_a_run_that_was_killed_before_the_reload_is_made_up_for(balancers):
    loaded = "/run/gatehouse-keepalived/loaded"
    balancers[HOSTS[0]].check_output(f"sed -i 's/^[0-9a-f]*/{'0' * 64}/' {loaded}")
    alone = play("gatehouse.django.site", "--tags=nginx", f"--limit={HOSTS[0]}")
    assert f"{HOSTS[1]} must learn of the change at the same time" in " ".join(alone.stdout.split())
    played = play("gatehouse.django.site", "--tags=nginx", "--limit=balancers")
    assert played.returncode == 0, played.stdout
    assert balancers[HOSTS[0]].run(f"sha256sum --check --status {loaded}").rc == 0
    assert len(holders(balancers)) == 1


def test_a_balancer_that_leaves_is_stopped_first(balancers, tmp_path):
    left = tmp_path / "left.yml"
    before, option = SECOND.read_text().split("      vars:\n        ")
    left.write_text(f"{before}        {HOSTS[0]}:\n          {option.strip()}\n")
    alone = play("gatehouse.django.site", "--tags=nginx", f"--limit={HOSTS[0]}", second=left)
    assert "shared them until now, and this run does not stop keepalived there" in " ".join(alone.stdout.split())
    played = play("gatehouse.django.site", "--tags=nginx", "--limit=balancers", second=left)
    assert played.returncode == 0, played.stdout
    assert not balancers[HOSTS[1]].service("keepalived").is_running
    assert holders(balancers) == [HOSTS[0]]


def test_a_balancer_that_joins_has_its_sites_first(balancers):
    played = play("gatehouse.django.site", "--tags=nginx", "--limit=balancers")
    assert played.returncode == 0, played.stdout
    assert not balancers[HOSTS[1]].service("keepalived").is_running
    played = play("gatehouse.django.site", "--tags=nginx,sites", "--limit=balancers:web")
    assert played.returncode == 0, played.stdout
    assert balancers[HOSTS[1]].service("keepalived").is_running
    assert holders(balancers) == [HOSTS[0]]

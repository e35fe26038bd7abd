"""`make demo DATABASE=postgresql`: the play of the demo, beside the apps of the host."""

import pytest
import yaml
from helpers.play import REPOSITORY, run_play
from helpers.tls import get, trusting
from plays import sql
from test_valkey import ask

pytestmark = pytest.mark.long
SOCKET = "/run/valkey-guestbook-cache/valkey.sock"
CACHE = "from django.core.cache import cache; cache.set('seen', '1', 60); print(cache.get('seen'))"
SITE = REPOSITORY / "playbooks/site.yml"
NAME = "guestbook.example.test"


@pytest.fixture
def demo(host):
    """The variables of the demo; what they made is removed."""
    variables = yaml.safe_load((REPOSITORY / "lab/demo.yml").read_text())
    yield variables | {"demo_database": "postgresql", "app": "guestbook"}
    gone = {"name": "guestbook", "state": "absent"}
    absent = {"django_apps": [gone | {"remove_data": True}], "django_sites": [gone]}
    run_play(SITE, host, app="guestbook", confirm="guestbook", **absent)
    sql(host, "DROP DATABASE guestbook")
    sql(host, "DROP ROLE guestbook")


def test_the_demo_is_served_from_postgresql_and_changes_nothing_again(host, address, demo):
    run_play(SITE, host, **demo)
    who = get(address, NAME, "/whoami", trusting()).json()
    assert who["database"] == "postgresql"
    assert host.check_output("/srv/guestbook/manage shell -v 0 -c %s", CACHE).splitlines()[-1] == "1"
    assert ask(host, SOCKET, "EXISTS", ":1:seen", user="guestbook") == ":1"
    again = run_play(SITE, host, **demo)
    assert "changed=0" in again

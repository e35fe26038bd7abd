"""What the superuser runs in a copy while migrations run there. What it sees is tested in tests/testinfra/data."""

import json
import threading

from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.watch import Watch

SEEN = {"locks": [{"table": "shop_order", "mode": "ShareLock", "first": 1.0, "last": 2.0}], "rewrites": []}


def test_samples_last_as_long_as_the_migrations():
    ran, started, ended = [], threading.Event(), threading.Event()

    def run(command, data="", **_options):
        assert command[-1] == "--dbname=shop-copy-rehearsal"
        ran.append(data)
        if "LOOP" in data:
            started.set()
            # Until its connection is ended.
            assert ended.wait(10)
            return 2, "", "terminating connection"
        if "pg_terminate_backend" in data:
            ended.set()
        return 0, json.dumps(SEEN) if "json_build_object" in data else "", ""

    watch = Watch("shop-copy-rehearsal", "shop-copy", run)
    with watch.watching():
        assert started.wait(10)
        assert not ended.is_set()
    assert watch.seen == SEEN
    made, sampled, terminated, _asked = ran
    # Nothing that the app has put into the copy is found by these names.
    assert all(text.startswith("SET search_path = pg_catalog; ") for text in ran)
    assert "CREATE EVENT TRIGGER gatehouse_" in made
    # Other questions of the superuser have a limit.
    assert "SET statement_timeout = 0;" in sampled
    name = sampled.partition("application_name = ")[2].partition(";")[0]
    assert f"application_name = {name} AND usename = 'postgres'" in terminated

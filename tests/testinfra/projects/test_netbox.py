"""A network's inventory with PostgreSQL, Redis and workers, configured by a module."""

import json
import uuid

from helpers.hosts import eventually

JOBS = "from core.models import Job; print('JOBS', Job.objects.filter(status='completed').count())"


def test_an_administrator_adds_a_record(site, password):
    visitor, name = site("netbox"), f"Site {uuid.uuid4()}"
    visitor.log_in("/login/", "visitor", password)
    token = visitor.get("/dcim/sites/add/").csrf_token()
    fields = {"name": name, "slug": uuid.uuid4().hex, "status": "active", "csrfmiddlewaretoken": token}
    assert visitor.submit("/dcim/sites/add/", fields).status == 302
    assert name in visitor.get("/dcim/sites/").text


def test_its_workers_work(host, site, password):
    visitor = site("netbox")
    visitor.log_in("/login/", "visitor", password)
    status = json.loads(visitor.get("/api/status/", accept="application/json").text)
    assert (status["netbox-version"], status["rq-workers-running"]) == ("4.7.3", 1)
    # Its own housekeeping is such a job.
    eventually(lambda: "JOBS 0" not in host.check_output("/srv/netbox/manage shell -c %s", JOBS))


def test_its_driver_was_compiled_on_the_host(host):
    code = "import psycopg; print(psycopg.pq.__impl__)"
    assert host.check_output("/srv/netbox/current/venv/bin/python -c %s", code) == "c"
    assert host.package("libpq-dev").is_installed

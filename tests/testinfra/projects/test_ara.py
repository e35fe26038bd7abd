"""ara's own client sends records of Ansible runs; the settings of the app come from a file."""

import json
import uuid

RECORD = """
import json, sys
from ara.clients.http import AraHttpClient
url, path, auth = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = AraHttpClient(endpoint=url, auth=tuple(auth) if auth else None)
print(json.dumps(client.post("/api/v1/playbooks", path=path, ansible_version="2.18", started="2026-01-01T00:00:00Z",
                             status="running")))
"""
URL = "http://ara.example.test"


def test_a_playbook_is_recorded_and_shown(site, client, password):
    path = f"/plays/{uuid.uuid4()}.yml"
    recorded = json.loads(client("ara", RECORD, URL, path, json.dumps(["visitor", password])))
    assert recorded["path"] == path
    assert path in site("ara").get("/").text
    assert site("ara").get(f"/api/v1/playbooks/{recorded['id']}").json()["path"] == path


def test_the_file_of_the_inventory_sets_who_may_record(site, client):
    path = f"/plays/{uuid.uuid4()}.yml"
    assert "credentials" in client("ara", RECORD, URL, path, "null")
    assert path not in site("ara").get("/").text


def test_the_app_reads_no_other_configuration(host):
    assert host.check_output("find /srv/ara/data -name '*.yaml'") == ""


def test_a_package_needs_no_manage_py(host):
    host.check_output("systemctl start ara-clearsessions.service")
    assert host.check_output("systemctl show -P Result ara-clearsessions.service") == "success"
    assert host.service("ara-clearsessions.timer").is_enabled


def test_only_root_and_the_app_can_read_the_file(host):
    file = host.file("/srv/ara/current/project/ara.yaml")
    assert (file.user, file.group, file.mode) == ("root", "ara", 0o640)

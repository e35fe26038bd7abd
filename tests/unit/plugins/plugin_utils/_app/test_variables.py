"""The variables that a project should read."""

from __future__ import annotations

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.variables import expected

PARAMS = {
    "environment": {"ALLOWED_HOSTS": "x", "TZ": "UTC", "PYTHONWARNINGS": "x", "https_proxy": "x", "QUEUE": "mail"},
    "secrets": {"API_KEY": "s3cr3t", "PGPASSWORD": "s3cr3t", "TOKEN": "s3cr3t"},
    "processes": [{"name": "worker", "command": "sh -c 'exec worker $QUEUE'"}],
    "timers": [],
    "build": [],
    "release_commands": ["sh -c 'echo $TOKEN'"],
    "first_commands": [],
}


def test_what_python_libraries_and_commands_read_is_left_out():
    assert expected(PARAMS) == {"ALLOWED_HOSTS": "environment", "API_KEY": "secrets"}


def test_the_urls_of_services_on_other_hosts_are_not_those_of_the_inventory():
    urls = {name: "rediss://" for name in ("CACHE_URL", "REDIS_URL", "BROKER_URL")}
    given = {**PARAMS, "secrets": {**PARAMS["secrets"], **urls}}
    assert set(expected(given)) == {"ALLOWED_HOSTS", "API_KEY", *urls}
    assert set(expected({**given, "services": {"cache": {}}})) == {"ALLOWED_HOSTS", "API_KEY", "BROKER_URL"}

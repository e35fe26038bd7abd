"""Checks that need the running app, and variables that the project does not use: the play warns about them."""

from helpers.steady import PROJECT, deploy, start_deploy

# The first check passes once the worker runs, the second one never.
CHECKS = """

from django.conf import settings
from django.core import checks


@checks.register(deploy=True)
def need_the_worker(app_configs, **options):
    if not (settings.DATA_DIR / "worker").exists():
        yield checks.Error("no worker answers", id="steady.E001")
    yield checks.Critical("no mail server answers", id="steady.E002")
"""
WORKER = {"name": "worker", "command": "sh -c 'touch /srv/steady/data/worker; exec sleep infinity'"}
SECRETS = {
    "DJANGO_SECRET_KEY": "a-key-for-throwaway-hosts-that-is-long-enough-for-the-deployment-check",
    "DATABASE_URL": "postgres://steady:geheim@db.example.test/shop",
    "PAYMENT_TOKN": "s3cr3t-s3cr3t",
}


def test_ignored_checks_are_repeated_after_the_switch(host, variant):
    options = {"processes": [WORKER], "check_ignore": ["steady.E001", "steady.E002"], "secrets": SECRETS}
    played = start_deploy(host, variant({"+steady/models.py": CHECKS}), **options).finish()
    assert played.code == 0, played.output
    said = played.output
    assert "steady: A check still fails after the switch: CRITICAL steady.E002: no mail server answers" in said
    assert "still fails after the switch: ERROR steady.E001" not in said
    assert "secrets: the project does not use PAYMENT_TOKN" in said
    assert "secrets: the project does not use the database of DATABASE_URL" in said
    assert "does not use DJANGO" not in said
    for value in ("geheim", "s3cr3t"):
        assert value not in said
    deploy(host, PROJECT)

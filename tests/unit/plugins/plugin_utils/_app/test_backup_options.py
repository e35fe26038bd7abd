"""What is refused of the option backup, before anything on a host changes."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.backup_options import of_backup

GOOD = {"password": "correct horse battery"}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"to": "/mnt/backups/shop"},
        {"to": "sftp:backup@nas.example.com:/srv/shop", "known_hosts": "nas ssh-ed25519 AAAA"},
        {"to": "sftp://backup@[2001:db8::1]:2222//srv/shop"},
        {"to": "rest:https://backup.example.com/shop/"},
        {"to": "s3:https://s3.example.com/shop", "environment": {"AWS_ACCESS_KEY_ID": "key"}},
        {"keep": {"daily": 3, "weekly": 0}},
        {"keep": {}},
        {"time": "23:59"},
        {"drill": "never"},
        {"on_failure": "mail -s 'backup failed' root"},
    ],
)
def test_what_is_accepted(more):
    assert list(of_backup({"backup": GOOD | more})) == []


@pytest.mark.parametrize("given", [None, {}])
def test_no_backup(given):
    assert list(of_backup({"backup": given})) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("daily", "backup: must be a dictionary"),
        ({"to": "/mnt"}, "password must be one line of 8"),
        ({"password": "short"}, "password must be one line of 8"),
        ({"password": "two\nlines of it"}, "password must be one line of 8"),
        (GOOD | {"pasword": 1}, "backup: unknown key 'pasword'"),
        (GOOD | {"to": "backups"}, "to must be an absolute path"),
        (GOOD | {"to": "/srv/shop/data/backups"}, "is no place for backups"),
        (GOOD | {"to": "/tmp/backups"}, "is no place for backups"),
        (GOOD | {"to": "sftp:nas"}, "is not complete"),
        (GOOD | {"to": "/mnt", "known_hosts": "nas ssh-ed25519 AAAA"}, "are for a target like 'sftp:"),
        (GOOD | {"to": "sftp:a@nas:/b", "ssh_key": "ssh-ed25519 AAAA"}, "ssh_key is a public key"),
        (GOOD | {"environment": {"RESTIC_PASSWORD": "other"}}, "'RESTIC_PASSWORD' cannot be set"),
        (GOOD | {"environment": {"AWS_KEY": "a\nb"}}, "AWS_KEY must be a string"),
        (GOOD | {"keep": {"yearly": 1}}, "keep: unknown key 'yearly'"),
        (GOOD | {"keep": {"daily": -1}}, "keep: daily '-1' must be a whole number"),
        (GOOD | {"keep": {"daily": 0}}, "at least one number must be more than 0"),
        (GOOD | {"time": 750}, "time '750' must be a time of day in quotes"),
        (GOOD | {"time": "25:99"}, "time '25:99' must be a time of day from '00:00' to '23:59'"),
        (GOOD | {"drill": "yearly"}, "backup: drill 'yearly' must be one of never, daily, weekly, monthly"),
        (GOOD | {"drill": False}, "backup: drill 'False' must be one of never"),
        (GOOD | {"on_failure": "notify | mail"}, "is not run by a shell"),
    ],
)
def test_what_is_refused(given, said):
    problems = list(of_backup({"backup": given}))
    assert any(said in problem for problem in problems), problems
    assert not any("correct horse" in problem for problem in problems)

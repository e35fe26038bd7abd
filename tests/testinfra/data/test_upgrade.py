"""PostgreSQL's next major version, on hosts that have that of their Debian. It is tried in the scenario `upgrade`."""

from helpers.play import REPOSITORY, Play

PLAYBOOK = REPOSITORY / "playbooks/upgrade_postgresql.yml"


def test_nothing_to_upgrade(host):
    played = Play(PLAYBOOK, host, confirm=host.backend.name).finish()
    assert played.code == 0, played.output
    assert "on port 5432: nothing to upgrade to " in played.output
    assert "changed=0 " in played.output
    # A version that apt does not have.
    refusal = Play(PLAYBOOK, host, version="99").finish().refusal
    assert "apt has no package postgresql-99: add its source, or upgrade the host first" in refusal
    assert "Nothing was changed." in refusal

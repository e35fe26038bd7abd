"""A first deployment that fails serves nothing, and keeps for a look what a later one keeps."""

import pytest
from helpers.bad_releases import BAD
from helpers.steady import failed, releases, start_deploy

APP = "newcomer"
REMOVED = {"state": "absent", "remove_data": True, "confirm": APP}
RUNNING = f"ls -d /srv/{APP}/current /etc/systemd/system/{APP}* 2>/dev/null; systemctl is-active '{APP}-*'"
LEFT = f"ls -d /srv/{APP} 2>/dev/null; getent passwd {APP} {APP}-build"


@pytest.fixture
def newcomer(host, variant):
    """Deploys an app that the host has never seen."""
    yield lambda files=None: start_deploy(host, variant(files), name=APP).finish()
    removed = start_deploy(host, variant(), name=APP, **REMOVED).finish()
    assert removed.code == 0, removed.output
    assert host.run(LEFT).stdout == ""


def test_a_failed_first_deployment_is_kept_for_a_look(host, newcomer):
    bad = BAD["a health view that answers 500"]
    played = newcomer(bad.files)
    assert played.code != 0
    (candidate,) = failed(host, APP)
    for words in (*bad.words, f"/srv/{APP}/failed/{candidate}", "no release is served", f"-e confirm={APP}"):
        assert words in played.refusal, played.refusal
    assert host.file(f"/srv/{APP}/failed/{candidate}/project/steady/health.py").contains("ill")
    journal = host.check_output("journalctl --output=cat --unit=%s", f"{APP}-web@{candidate}.service")
    assert "RuntimeError: ill" in journal
    assert host.run(RUNNING).stdout == ""
    # The next run uses the same data, and what it made for the first one.
    assert host.file(f"/srv/{APP}/data/steady.sqlite3").exists
    played = newcomer()
    assert played.code == 0, played.output
    assert len(releases(host, APP)) == 1

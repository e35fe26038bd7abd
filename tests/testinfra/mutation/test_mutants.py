"""Each mutant of the generated configuration makes a behaviour test fail."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.hosts import eventually, scenario

SCENARIOS = Path(__file__).parents[1]
FAILED = 1  # pytest's exit code; others mean that nothing was tested


def test_each_mutant_changes_the_configuration(live, mutants):
    files = {name: live(name) for name in {mutant.file for mutant in mutants}}
    assert [mutant.name for mutant in mutants if not mutant.fits(files[mutant.file])] == []
    assert len({mutant.name for mutant in mutants}) == len(mutants)


def workers(host):
    return set(host.run("pgrep --full '^nginx: worker process$'").stdout.split())


def write(host, name, content):
    """Let nginx serve with this content of a file of the live generation."""
    path = f"/etc/nginx/gatehouse/live/{name}"
    command = ["podman", "exec", "--interactive", host.backend.name, "tee", path]
    subprocess.run(command, input=content, text=True, check=True, stdout=subprocess.DEVNULL)
    before = workers(host)
    host.check_output("nginx -t && systemctl reload nginx")
    eventually(lambda: workers(host) and not workers(host) & before)


@contextmanager
def mutated(host, live, mutant):
    original = live(mutant.file)
    try:
        write(host, mutant.file, mutant.changed(original))
        yield
    finally:
        write(host, mutant.file, original)


def behaviour(host, *files):
    """A run of the scenario's tests against the host, up to the first failure."""
    directory = SCENARIOS / scenario(host.backend.name)
    command = [sys.executable, "-m", "pytest", "-x", "--quiet", "--no-header", "--tb=short"]
    command += [f"--hosts=podman://{host.backend.name}", *(f"{directory}/{file}" for file in files)]
    # The gate counts failures by the reports that its own options ask for; these failures are wanted.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_the_behaviour_tests_pass_without_a_mutant(host, mutants):
    ran = behaviour(host, *sorted({mutant.noticed_by for mutant in mutants}))
    assert ran.returncode == 0, ran.stdout


@pytest.mark.long
def test_a_behaviour_test_fails_with_the_mutant(host, live, mutant):
    with mutated(host, live, mutant):
        ran = behaviour(host, mutant.noticed_by)
    assert ran.returncode == FAILED, ran.stdout + ran.stderr

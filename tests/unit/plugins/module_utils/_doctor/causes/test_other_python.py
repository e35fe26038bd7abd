"""A virtual environment that was made with another Python."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import other_python
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer

APP = "location / { proxy_pass http://unix:/srv/shop/current/web.sock; }"
FAILED = [("systemctl show shop-web@1.service", "ActiveState=failed\n")]


@pytest.fixture
def venv(release, tmp_path):
    """venv(line of pyvenv.cfg, name of the interpreter): the environment leads to an interpreter of that name."""

    def venv(line, name, is_present=True):
        made = release / "venv"
        (made / "bin").mkdir(parents=True)
        (made / "pyvenv.cfg").write_text(f"home = {tmp_path}\n{line}\n")
        (made / "bin/python").symlink_to(tmp_path / "python3")
        (tmp_path / "python3").symlink_to(name)
        if is_present:
            (tmp_path / name).touch()
        return made

    return venv


@pytest.mark.parametrize("line", ["version = 3.11.2", "version_info = 3.11.2"])
def test_a_dist_upgrade(visit_to, venv, line):
    made = venv(line, "python3.13")
    finding = other_python.explain(visit_to(APP, ("http://shop.test/", Answer(502)), outputs=FAILED))
    assert f"its virtual environment {made} was made with Python 3.11, and " in finding.cause
    assert finding.cause.endswith("/python3.13 is Python 3.13 now.")
    assert finding.remedy.startswith("Deploy shop again")


def test_an_interpreter_that_is_gone(visit_to, venv):
    venv("version = 3.11.2", "python3.11", is_present=False)
    finding = other_python.explain(visit_to(APP, ("http://shop.test/", Answer(502)), outputs=FAILED))
    assert finding.cause.endswith("/python3.11 does not exist any more.")


def test_the_interpreter_that_made_it(visit_to, venv):
    venv("version = 3.11.2", "python3.11")
    assert other_python.explain(visit_to(APP, ("http://shop.test/", Answer(502)), outputs=FAILED)) is None


def test_a_service_that_runs(visit_to, venv):
    venv("version = 3.11.2", "python3.13")
    outputs = [("systemctl show shop-web@1.service", "ActiveState=active\n")]
    assert other_python.explain(visit_to(APP, ("http://shop.test/", Answer(502)), outputs=outputs)) is None

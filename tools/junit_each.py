"""pytest plugin: write one JUnit report for each run, because a molecule scenario can run pytest several times."""

import os
import time

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.xmlpath = f"{os.environ['JUNIT_EACH']}.{time.time_ns()}.xml"

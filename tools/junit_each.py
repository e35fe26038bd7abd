"""pytest plugin: a JUnit report of its own for every run, because one molecule scenario verifies more than once."""

import os
import time

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.xmlpath = f"{os.environ['JUNIT_EACH']}.{time.time_ns()}.xml"

"""The gate's runner as a module."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

RUNNER = str(Path(__file__).resolve().parents[3] / "tools/test")


@pytest.fixture
def gate(tmp_path, monkeypatch):
    loader = importlib.machinery.SourceFileLoader("gate", RUNNER)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gate", loader))
    monkeypatch.setitem(sys.modules, "gate", module)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module.signal, "signal", lambda *_arguments: None)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "ARTIFACTS", tmp_path / ".artifacts")
    return module

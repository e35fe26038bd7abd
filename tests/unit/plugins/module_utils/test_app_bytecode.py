"""What is compiled for a release, and what it takes over. With a real interpreter and real files."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app_bytecode import compile_all
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import Tools


def run_command(argv, **_options):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def make(directory, packages):
    """A release: names and texts, or files to link as uv does, of what is in its virtual environment."""
    (directory / "venv/bin").mkdir(parents=True)
    (directory / "venv/bin/python").symlink_to(sys.executable)
    (directory / "src").mkdir()
    (directory / "src/manage.py").write_text("import shop\n")
    own = directory / "venv/lib/shop"
    own.mkdir(parents=True)
    for name, content in packages.items():
        if isinstance(content, str):
            (own / name).write_text(content)
        else:
            os.link(content, own / name)
    return own


def compiled(own, name):
    return own / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pyc"


@pytest.fixture
def served(tmp_path):
    own = make(tmp_path / "old", dict.fromkeys(("same.py", "copied.py", "changed.py", "gone.py"), "A = 1\n"))
    os.utime(own / "copied.py", (1_000_000_000, 1_000_000_000))
    compile_all(Tools(run_command, {}), str(tmp_path / "old"), "")
    return own


def test_all_is_compiled(served):
    assert all(compiled(served, name).exists() for name in ("same", "copied", "changed", "gone"))
    assert compiled(served.parents[2] / "src", "manage").exists()


def test_what_both_releases_share_is_compiled_once(served, tmp_path):
    packages = {"same.py": served / "same.py", "copied.py": "A = 1\n", "changed.py": "A = 2\n", "new.py": "A = 1\n"}
    own = make(tmp_path / "new", packages)
    compile_all(Tools(run_command, {}), str(tmp_path / "new"), str(tmp_path / "old"))
    assert compiled(own, "same").samefile(compiled(served, "same"))
    assert compiled(own, "copied").samefile(compiled(served, "copied"))
    assert not compiled(own, "changed").samefile(compiled(served, "changed"))
    assert compiled(own, "new").exists()
    assert not compiled(own, "gone").exists()
    # Python believes it: nothing is compiled again, and a traceback names the file of the new release.
    look = (
        "import same, copied, changed; "
        "print(same.__cached__, changed.A, same.__spec__.loader.get_code('same').co_filename)"
    )
    found = subprocess.run([sys.executable, "-v", "-c", look], cwd=own, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(compiled(own, "same")), "2", str(own / "same.py")]
    assert all(f"matches {own / name}" in found.stderr for name in ("same.py", "copied.py"))


def test_what_is_no_python_keeps_nobody_from_a_release(tmp_path):
    own = make(tmp_path / "new", {"template.py": "def {{ name }}\n", "good.py": ""})
    compile_all(Tools(run_command, {}), str(tmp_path / "new"), str(tmp_path / "never"))
    assert compiled(own, "good").exists()

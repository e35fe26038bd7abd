"""The virtual environment of a release is created."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import (
    dependencies,
    lock_exports,
    venv,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependency_files import LOCKS
from ansible_collections.gatehouse.django.plugins.module_utils._app.install_steps import Steps
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools


class Builder:
    """Stands for the app's building user: remembers what it was to run, and answers."""

    cache = "/srv/shop/cache"

    def __init__(self, code=0):
        self.code, self.calls = code, []

    def attempt(self, argv, **options):
        self.calls.append((argv, options))
        return self.code, "", "no\n"

    def run(self, argv, **options):
        self.attempt(argv, **options)
        return ""


PLACE = "/srv/shop/releases/a-1/src"


def listed(kind="", fingerprint="abc", directory=PLACE, name=None, **options):
    path = os.path.join(directory, name or kind) if kind else ""
    is_exact = options.pop("is_exact", kind in LOCKS)
    is_package = options.pop("is_package", False)
    given = dependencies.Options(**options)
    return dependencies.DependencyList(kind, directory, PLACE, fingerprint, is_package, path, is_exact, given)


def make(builder, kind="", requirements=(), **options):
    found = listed(kind, **options)
    venv.make_venv(
        builder, "/uv", "/python3", "/srv/shop/venvs/x", found, requirements, "gunicorn==27.0.1", "/tool.txt"
    )
    ((argv, given),) = builder.calls
    assert argv[:2] == ["sh", "-c"]
    return argv[2].splitlines(), given


def installs(lines):
    return [
        line.partition("--python /srv/shop/venvs/x/bin/python ")[2] for line in lines if line.startswith("/uv pip i")
    ]


def test_the_lock_is_checked_and_synced_before_the_requirements_of_the_inventory():
    lines, given = make(Builder(), "uv.lock", ["psycopg[binary]>=3"])
    assert lines[:2] == ["set -eu", "/uv venv --quiet --allow-existing --python /python3 /srv/shop/venvs/x"]
    assert sum("/uv lock --quiet --check" in line for line in lines) == 2
    assert "/uv sync --quiet --frozen --no-dev --python /python3" in lines
    assert installs(lines) == ["--constraints /tmp/installed.txt 'psycopg[binary]>=3'"]
    assert given["env"]["UV_PROJECT_ENVIRONMENT"] == given["env"]["VIRTUAL_ENV"] == "/srv/shop/venvs/x"
    assert given["env"]["UV_PYTHON_DOWNLOADS"] == "never"
    assert given["env"]["UV_CACHE_DIR"] == "/srv/shop/cache/uv"
    assert given["env"]["UV_LINK_MODE"] == "copy"


def test_groups_and_extras_of_uv():
    lines, _given = make(Builder(), "uv.lock", groups=["production"], extras=["text"])
    assert "/uv sync --quiet --frozen --no-dev --group production --extra text --python /python3" in lines
    lines, _given = make(Builder(), "uv.lock", groups=["dev"])
    assert "/uv sync --quiet --frozen --group dev --python /python3" in lines


@pytest.mark.parametrize(
    ("without_indexes", "with_indexes", "code", "said"),
    [
        (0, 1, 0, ""),
        # Locked with the indexes of the build environment.
        (1, 0, 0, ""),
        (1, 1, lock_exports.STALE, "without"),
        (1, 2, lock_exports.STALE, "without"),
        (2, 1, lock_exports.STALE, "with"),
        (2, 2, 2, "with"),
    ],
)
def test_a_lock_is_checked_without_and_with_the_indexes_of_the_inventory(
    tmp_path, without_indexes, with_indexes, code, said
):
    uv = tmp_path / "uv"
    uv.write_text(f"""#!/bin/sh
if [ "$1" != lock ]; then exit 0; fi
if [ -n "${{UV_INDEX:-}}" ]; then echo with >&2; exit {with_indexes}; fi
echo without >&2; exit {without_indexes}
""")
    uv.chmod(0o755)
    lines = Steps(listed("uv.lock"), str(uv), "/python3", "/venv").project([], "", "")
    script = re.sub(r"/tmp/(?=first|second|installed)", f"{tmp_path}/", "\n".join(["set -eu", *lines]))
    environment = {**os.environ, "UV_INDEX": "https://x.test"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (code, said)


def test_requirements_are_resolved_together_with_those_of_the_inventory():
    lines, given = make(Builder(), "requirements.txt", ["psycopg"])
    assert installs(lines) == [f"--requirements {PLACE}/requirements.txt psycopg"]
    assert given["cwd"] == PLACE
    assert not any("sync" in line for line in lines)


def test_requirements_with_hashes_are_installed_before_those_of_the_inventory():
    lines, _given = make(Builder(), "requirements.txt", ["psycopg"], is_exact=True)
    assert installs(lines) == [f"--requirements {PLACE}/requirements.txt", "--constraints /tmp/installed.txt psycopg"]
    frozen = [number for number, line in enumerate(lines) if " pip freeze " in line]
    assert lines[frozen[0] - 1].startswith("/uv pip install")
    assert lines[frozen[0]].endswith("> /tmp/installed.txt")


def test_constraints_limit_all_that_is_installed():
    files = f"{PLACE}/constraints.txt"
    lines, _given = make(Builder(), "requirements.txt", ["psycopg"], constraints=["urllib3<3", files, "a>1; b"])
    assert "printf '%s\\n' 'urllib3<3' 'a>1; b' > /tmp/constraints.txt" in lines
    limits = f"--constraints /tmp/constraints.txt --constraints {files}"
    assert installs(lines) == [f"--requirements {PLACE}/requirements.txt psycopg {limits}"]
    assert any(line.endswith(f"gunicorn==27.0.1 {limits}") for line in lines)


@pytest.mark.parametrize(
    ("kind", "check", "export"),
    [
        (
            "poetry.lock",
            None,
            "poetry export --format=requirements.txt --with-credentials --with=production --extras=text",
        ),
        (
            "pdm.lock",
            "pdm lock --check",
            "pdm export --format=requirements --no-hashes --expandvars --group=production --group=text",
        ),
        ("Pipfile.lock", "pipenv verify", "pipenv requirements --hash --categories=packages,production"),
    ],
)
def test_other_locks_are_exported_by_their_own_tools(kind, check, export):
    lines, given = make(Builder(), kind, ["psycopg"], groups=["production"], extras=["text"])
    place = "/srv/shop/cache/exporter"
    assert lines[2] == f"trap 'rm -rf {place}' EXIT"
    assert lines[3] == f"/uv --directory / venv --quiet --clear --python /usr/bin/python3 {place}"
    assert "--require-hashes --no-deps --only-binary :all: --requirements /tool.txt" in lines[4]
    checks = [line for line in lines if line.endswith(f"exit {lock_exports.STALE}")]
    assert [f"/{check} >&2 || exit" in line for line in checks] == ([True] if check else [])
    assert any(line.endswith(f"bin/{export} > /tmp/locked.txt") for line in lines)
    exact = "--no-deps --index-strategy unsafe-best-match --requirements /tmp/locked.txt"
    assert installs(lines) == [exact, "--constraints /tmp/installed.txt psycopg"]
    assert given["cwd"] == PLACE


def test_pdm_and_poetry_leave_out_development_by_default():
    assert any(line.endswith("--expandvars --prod > /tmp/locked.txt") for line in make(Builder(), "pdm.lock")[0])
    assert any("--with-credentials > " in line for line in make(Builder(), "poetry.lock")[0])


def test_an_export_of_pdm_gets_the_hashes_of_its_lock(tmp_path):
    (tmp_path / "pdm.lock").write_text(
        '[[package]]\nname = "My_Lib"\nversion = "1.0"\nfiles = [{hash = "sha256:bb"}, {hash = "sha256:aa"}]\n'
        '[[package]]\nname = "my-lib"\nversion = "2.0"\nfiles = [{hash = "sha256:cc"}]\n'
        '[[package]]\nname = "own"\npath = "./own"\n[[package]]\nname = "other"\ngit = "https://x.test/other"\n'
    )
    listed = tmp_path / "locked.txt"
    listed.write_text(
        'my-lib[a,b]==1.0; python_version < "3.14"\nmy-lib==2.0\n# my-lib==1.0\n'
        "own @ file:///own\nother @ git+https://x.test/other@aa\n--extra-index-url https://x.test/simple\n"
    )
    argv = [sys.executable, "-I", "-c", lock_exports.ADD_HASHES, str(listed)]
    subprocess.run(argv, cwd=tmp_path, check=True)
    assert listed.read_text().splitlines() == [
        'my-lib[a,b]==1.0; python_version < "3.14" --hash=sha256:aa --hash=sha256:bb',
        "my-lib==2.0 --hash=sha256:cc",
        "# my-lib==1.0",
        "own @ file:///own",
        "other @ git+https://x.test/other@aa",
        "--extra-index-url https://x.test/simple",
    ]


def test_exported_lines_that_uv_cannot_read_are_corrected(tmp_path):
    line = next(line for line in make(Builder(), "Pipfile.lock")[0] if line.startswith("sed "))
    listed = tmp_path / "locked.txt"
    listed.write_text(
        "-i https://pypi.org/simple\n--extra-index-url https://x.test/simple\n-e git+https://x.test/a@1#egg=a\n-e ./b\n"
    )
    subprocess.run(["sh", "-c", line.replace("/tmp/locked.txt", str(listed))], check=True)
    assert listed.read_text() == "--extra-index-url https://x.test/simple\ngit+https://x.test/a@1#egg=a\n-e ./b\n"


def test_a_package_is_installed_editable():
    assert installs(make(Builder(), "pyproject.toml", is_package=True)[0]) == [f"--editable {PLACE}"]
    lines, _given = make(Builder(), "pyproject.toml", is_package=True, extras=["a", "b"], groups=["g"])
    assert installs(lines) == [f"--editable '{PLACE}[a,b]' --group g"]
    assert installs(make(Builder(), "poetry.lock", is_package=True)[0])[1] == f"--no-deps --editable {PLACE}"


def test_a_project_that_is_no_package_has_groups_and_extras():
    lines, _given = make(Builder(), "pyproject.toml", extras=["a"], groups=["g"])
    assert installs(lines) == [f"--requirements {PLACE}/pyproject.toml --group g --extra a"]
    lines, _given = make(Builder(), "pylock.toml", extras=["a"], name="pylock.prod.toml")
    assert installs(lines) == [f"--requirements {PLACE}/pylock.prod.toml --extra a"]


def test_without_requirements_only_the_server_is_installed():
    assert installs(make(Builder())[0]) == []


def test_the_source_can_be_written_only_by_a_build_that_belongs_to_it():
    assert make(Builder(), fingerprint="abc")[1]["writable"] == ["/srv/shop/cache", "/srv/shop/venvs/x"]
    assert make(Builder(), fingerprint="")[1]["writable"] == ["/srv/shop/cache", "/srv/shop/venvs/x", PLACE]


def test_words_of_the_inventory_and_the_source_are_quoted_for_the_shell():
    lines, _given = make(Builder(), "requirements.txt", ["a; rm -rf $HOME"], directory="/srv/a b$(x)")
    assert installs(lines) == ["--requirements '/srv/a b$(x)/requirements.txt' 'a; rm -rf $HOME'"]


def really(tmp_path, gunicorn, django):
    """The script of make_venv(), with programs that only note how they were called."""
    place = tmp_path / "it's a venv"
    (place / "bin").mkdir(parents=True)
    notes = tmp_path / "notes"
    for program, text in {
        tmp_path / "uv": f'echo "uv $*" >> {notes}',
        place / "bin" / "python": f'case "$*" in *"import django"*) exit {django};; esac',
        **({place / "bin" / "gunicorn": ""} if gunicorn else {}),
    }.items():
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    (place / ".lock").touch()
    builder = Builder()
    found = dependencies.DependencyList("", str(tmp_path), str(tmp_path), "abc")
    venv.make_venv(builder, str(tmp_path / "uv"), "/python3", str(place), found, [], "gunicorn==27.0.1")
    done = subprocess.run(builder.calls[0][0], check=False)
    assert not (place / ".lock").exists()
    return done.returncode, notes.read_text()


def test_a_server_of_the_project_stays(tmp_path):
    code, notes = really(tmp_path, gunicorn=True, django=0)
    assert (code, "gunicorn" in notes) == (0, False)


def test_a_project_without_a_server_gets_one(tmp_path):
    code, notes = really(tmp_path, gunicorn=False, django=0)
    assert (code, notes.count("gunicorn==27.0.1")) == (0, 1)


def test_missing_django_has_its_own_exit_code(tmp_path):
    assert really(tmp_path, gunicorn=True, django=1)[0] == venv.NO_DJANGO


def test_the_error_for_missing_django_names_the_searched_directory():
    with pytest.raises(ReleaseError, match=r"do not include Django: .*'src'(.|\n)*django_app_requirements\.\nno$"):
        make(Builder(venv.NO_DJANGO))


def test_the_error_for_missing_django_names_other_lists(tmp_path):
    (tmp_path / "requirements").mkdir()
    for name in ("base.txt", "production.txt"):
        (tmp_path / "requirements" / name).write_text("Django")
    (tmp_path / "requirements.txt").write_text("")
    found = dependencies.find(str(tmp_path), str(tmp_path))
    said = venv.no_django(found, "no")
    assert "'requirements.txt' was installed" in said
    assert (
        "set requirements_file to another list of the source (requirements/base.txt, requirements/production.txt)"
        in said
    )


def test_a_lock_that_does_not_match_its_project():
    with pytest.raises(ReleaseError, match=r"'uv.lock' does not match its project(.|\n)*\nno\nRun 'uv lock'"):
        make(Builder(lock_exports.STALE), "uv.lock")


def test_dependencies_that_cannot_be_installed():
    with pytest.raises(ReleaseError, match=r"^installing the dependencies of uv.lock \(groups: a\) failed \(2\):\nno$"):
        make(Builder(2), "uv.lock", groups=["a"])
    with pytest.raises(ReleaseError, match=r"^installing the dependencies failed \(2\):\nno$"):
        make(Builder(2))


def test_the_source_is_compiled_as_the_building_user():
    builder = Builder()
    venv.compile_source(builder, "/usr/bin/python3", PLACE)
    ((argv, given),) = builder.calls
    assert argv[2] == f"/usr/bin/python3 -m compileall -q -q -j 0 -x /node_modules/ {PLACE} || :"
    assert given == {"writable": [PLACE]}


def test_compiling_ignores_invalid_python(tmp_path):
    for name, text in {"right.py": "x = 1\n", "wrong.py": "not python at all", "inner/right.py": "x = 1\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run(["sh", "-c", venv.compile_line(sys.executable, str(tmp_path))], check=False)
    assert done.returncode == 0
    assert sorted(path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")) == ["right", "right"]


class Recorder:
    """Stands for the host: remembers what was run, and answers."""

    def __init__(self, failing=()):
        self.calls, self.failing = [], failing

    def __call__(self, argv, **_options):
        self.calls.append(argv)
        return (1 if any(word in argv for word in self.failing) else 0), "", "no"


UV = "uv==1.2 \\\n    --hash=sha256:aa\n"


@pytest.mark.parametrize("requirement", ["1.2", "uv>=1.2", "uv", "evil==1.2", ""])
def test_uv_has_an_exact_version(tmp_path, requirement):
    with pytest.raises(ReleaseError, match="does not begin with 'uv==' and a version"):
        venv.install_uv(Tools(Recorder(), {}), "/python3", str(tmp_path), requirement)
    assert os.listdir(tmp_path) == []


def test_uv_is_installed_once_with_hashes(tmp_path):
    def pip(argv):
        (tmp_path / "uv-1.2").mkdir(exist_ok=True)
        return recorder(argv)

    recorder = Recorder()
    path = venv.install_uv(Tools(lambda argv, **_options: pip(argv), {}), "/python3", str(tmp_path), UV)
    assert path == str(tmp_path / "uv-1.2" / "bin" / "uv")
    wanted = str(tmp_path / "uv-1.2" / "requirements.txt")
    assert recorder.calls[0] == ["/python3", "-m", "venv", "--clear", str(tmp_path / "uv-1.2")]
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(recorder.calls[1])
    assert recorder.calls[1][-2:] == ["--requirement", wanted]
    assert "--retries 8" in " ".join(recorder.calls[1])
    assert (tmp_path / "uv-1.2" / "requirements.txt").read_text() == UV
    (tmp_path / "uv-1.2" / "bin").mkdir(parents=True)
    (tmp_path / "uv-1.2" / "bin" / "uv").write_text("")
    again = Recorder()
    venv.install_uv(Tools(again, {}), "/python3", str(tmp_path), UV)
    assert again.calls == [[path, "--version"]]


def test_the_variables_of_the_build_say_how_often_pip_asks_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_RETRIES", "0")
    recorder = Recorder()
    os.mkdir(tmp_path / "uv-1.2")
    venv.install_uv(Tools(recorder, {}), "/python3", str(tmp_path), UV)
    assert "--retries 0" in " ".join(recorder.calls[1])


def test_a_partial_uv_is_installed_again(tmp_path):
    (tmp_path / "uv-1.2" / "bin").mkdir(parents=True)
    (tmp_path / "uv-1.2" / "bin" / "uv").write_text("")
    recorder = Recorder(failing=["--version"])
    venv.install_uv(Tools(recorder, {}), "/python3", str(tmp_path), UV)
    assert recorder.calls[1][:4] == ["/python3", "-m", "venv", "--clear"]

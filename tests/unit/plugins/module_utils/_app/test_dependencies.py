"""The list of dependencies is found, and releases share virtual environments where possible."""

from __future__ import annotations

import os
from itertools import islice

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

NAMES = ("uv.lock", "requirements.txt", "pyproject.toml")


@pytest.fixture
def top(tmp_path):
    path = tmp_path / "release" / "src"
    path.mkdir(parents=True)
    return path


def find(top, directory=None):
    return dependencies.find(str(directory or top), str(top))


def test_a_project_without_a_build_system_is_not_a_package(top):
    (top / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert not find(top).is_package
    assert not find(top).is_source_bound


def test_a_package_is_installed_editable(top):
    (top / "pyproject.toml").write_text('[project]\nname = "shop"\n[build-system]\nrequires = ["hatchling"]\n')
    assert find(top).is_package
    assert find(top).is_source_bound


def test_the_search_goes_upwards_within_the_source(top):
    inner = top / "backend" / "site"
    inner.mkdir(parents=True)
    (top.parent / "uv.lock").write_text("")
    found = find(top, inner)
    assert (found.kind, found.directory, found.searched_from) == ("", str(inner), "src/backend/site")
    (top / "requirements.txt").write_text("Django")
    found = find(top, inner)
    assert (found.kind, found.directory) == ("requirements.txt", str(top))


def test_a_search_from_outside_of_the_source_ends(top, tmp_path):
    assert find(top, tmp_path).kind == ""


def test_releases_without_a_list_share_an_environment(top):
    assert find(top).kind == ""
    assert find(top).fingerprint == dependencies.find(str(top.parent), str(top.parent)).fingerprint != ""


SHARED = [
    "Django",
    "Django>=5.2,<6  # the long-term one",
    "psycopg[binary, pool] ~= 3.2 ; python_version < '3.14'",
    "zope.interface (>=5)",
    "Django==5.2.1 \\\n    --hash=sha256:aa00 \\\n    --hash=sha256:bb11\n    # via -r requirements.in",
    "--index-url https://index.example.com/simple/\n-i https://${TOKEN}@index.example.com/simple\nDjango",
    "--find-links https://example.com/wheels/\n--extra-index-url=https://example.com/simple\nDjango",
    "--require-hashes\n--pre\n--no-binary :all:\n--only-binary=psycopg\n--trusted-host example.com\nDjango",
    "shop-lib @ https://example.com/shop-lib-1.0.whl",
    "shop-lib @ git+https://example.com/lib.git@v1#subdirectory=python ; python_version > '3'",
    "git+ssh://git@example.com/lib.git@v1#egg=lib",
    "https://example.com/lib.tar.gz",
    "# ./only-a-comment\n#-e .\n\n  \t\nDjango\r\n",
    "",
]


@pytest.mark.parametrize("text", SHARED)
def test_requirements_that_releases_share(top, text):
    (top / "requirements.txt").write_text(text, newline="")
    first = find(top).fingerprint
    assert first
    (top / "requirements.txt").write_text(f"{text}\nmore", newline="")
    assert find(top).fingerprint not in (first, "")


BOUND = [
    "-e .",
    "-e ./lib",
    "--editable lib",
    "--editable=git+https://example.com/lib.git",
    ".",
    ".[extra]",
    "./lib",
    "../lib",
    "lib/",
    "vendor/lib-1.0.whl",
    "lib-1.0-py3-none-any.whl",
    "lib-1.0.tar.gz",
    "lib.zip[extra]",
    "/opt/lib",
    "file:lib",
    "file:///opt/lib",
    "lib @ file:lib",
    "lib @ file:///srv/lib",
    "lib@./lib",
    "lib @ lib",
    "lib @ vendor/lib",
    "lib @ ../lib ; python_version > '3'",
    "lib @ \\\n  ./lib",
    "lib @ ${PROJECT_ROOT}/lib",
    "${LIB}",
    "git+file:///srv/lib.git",
    "-f ./wheels",
    "-f wheels",
    "-fwheels",
    "--find-links ./wheels",
    "--find-links=file:wheels",
    "--index-url ./simple",
    "-i simple",
    "--index-url=file:///srv/simple",
    "--some-option-of-tomorrow",
    "-r https://example.com/requirements.txt",
    "-r missing.txt",
    "-r ../../outside.txt",
    "-c missing.txt",
    "-r base.txt -e .",
    "Django -e .",
    "lib @ https://example.com/x ./lib",
]


@pytest.mark.parametrize("text", BOUND)
def test_requirements_that_depend_on_the_source(top, text):
    (top.parent / "outside.txt").write_text("Django")
    (top / "base.txt").write_text("Django")
    (top / "requirements.txt").write_text(f"Django\n{text}\n")
    assert find(top).is_source_bound


@pytest.mark.parametrize("how", ["-r ", "-r", "--requirement ", "--requirement=", "-c ", "--constraint=", "  -r\t"])
def test_included_lists_count(top, how):
    (top / "requirements").mkdir()
    (top / "requirements.txt").write_text(f"{how}requirements/base.txt\nDjango")
    (top / "requirements" / "base.txt").write_text("-r more.txt\n-r ../requirements.txt")
    (top / "requirements" / "more.txt").write_text("psycopg==3.1")
    first = find(top).fingerprint
    (top / "requirements" / "more.txt").write_text("psycopg==3.2")
    assert find(top).fingerprint not in (first, "")
    (top / "requirements" / "more.txt").write_text("./lib")
    assert find(top).is_source_bound


@pytest.mark.parametrize(
    "text", ["a" + " " * 100_000 + "%", "a" * 100_000 + "%", "a" + "[ " * 50_000, "a=" * 50_000 + "/"]
)
def test_a_list_cannot_keep_the_module_busy(top, text):
    (top / "requirements.txt").write_text(text)
    assert find(top).is_source_bound


def test_configuration_of_uv_in_the_source(top):
    inner = top / "backend"
    inner.mkdir()
    (inner / "requirements.txt").write_text("Django")
    shared = find(top, inner).fingerprint
    (top / "pyproject.toml").write_text("[tool.ruff]\n")
    assert find(top, inner).fingerprint == shared
    (top / "pyproject.toml").write_text('[tool.uv]\nfind-links = ["wheels"]\n')
    assert find(top, inner).is_source_bound
    (top / "pyproject.toml").unlink()
    (top / "uv.toml").write_text("")
    assert find(top, inner).is_source_bound
    (inner / "requirements.txt").unlink()
    assert find(top, inner).is_source_bound


def lock(*sources):
    packages = "".join(f'[[package]]\nname = "p{number}"\nsource = {source}\n' for number, source in enumerate(sources))
    return f"version = 1\n{packages}"


REGISTRY = '{ registry = "https://index.example.test/simple" }'


@pytest.mark.parametrize(
    ("source", "is_shared"),
    [
        ('{ virtual = "." }', True),
        ('{ git = "https://example.com/lib.git?rev=v1#aa" }', True),
        ('{ git = "ssh://git@example.com/lib.git#aa" }', True),
        ('{ url = "https://example.com/lib.whl" }', True),
        ('{ editable = "." }', False),
        ('{ editable = "packages/lib" }', False),
        ('{ directory = "packages/lib" }', False),
        ('{ path = "vendor/lib.whl" }', False),
        ('{ registry = "vendor" }', False),
        ('{ registry = "file:///srv/simple" }', False),
        ('{ url = "file:///srv/lib.whl" }', False),
    ],
)
def test_a_lock(top, source, is_shared):
    (top / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (top / "uv.lock").write_text(lock(REGISTRY, source))
    found = find(top)
    assert (found.kind, found.is_source_bound) == ("uv.lock", not is_shared)


def test_the_fingerprint_of_a_lock_covers_its_project(top):
    fingerprints = set()
    for name in ("one", "two"):
        for other in (REGISTRY, '{ virtual = "." }'):
            (top / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n[tool.uv]\npackage = false\n')
            (top / "uv.lock").write_text(lock(REGISTRY, other))
            fingerprints.add(find(top).fingerprint)
    assert len(fingerprints) == 4


@pytest.mark.parametrize(
    "text", ["not toml", "", "package = 1", "package = [1]", "[package]\nname = 1", "a = " + "[" * 9999]
)
def test_an_invalid_lock_is_not_shared(top, text):
    (top / "pyproject.toml").write_text("")
    (top / "uv.lock").write_text(text)
    assert find(top).is_source_bound


def test_a_lock_without_its_project(top):
    (top / "uv.lock").write_text(lock(REGISTRY))
    assert find(top).is_source_bound


POETRY = '[[package]]\nname = "a"\nfiles = [{file = "a.whl", hash = "sha256:aa"}]\n[package.dependencies]\nb = "*"\n'
PDM = '[metadata]\ngroups = ["default"]\n[[package]]\nname = "a"\nfiles = [{file = "a.whl", hash = "sha256:aa"}]\n'
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "a"\nwheels = [{ url = "https://example.com/a.whl" }]\n'


def pipfile(package):
    return f'{{"_meta": {{"sources": [{{"url": "https://$USER@x.test"}}]}}, "default": {{"a": {package}}}}}'


@pytest.mark.parametrize(
    ("kind", "text", "is_shared"),
    [
        ("poetry.lock", POETRY, True),
        ("poetry.lock", f'{POETRY}[package.source]\ntype = "legacy"\nurl = "https://x.test/simple"\n', True),
        ("poetry.lock", f'{POETRY}[package.source]\ntype = "git"\nurl = "https://x.test/a.git"\n', True),
        ("poetry.lock", f'{POETRY}[package.source]\ntype = "git"\nurl = "../a.git"\n', False),
        ("poetry.lock", f'{POETRY}[package.source]\ntype = "directory"\nurl = "lib"\n', False),
        ("poetry.lock", f'{POETRY}[package.source]\ntype = "file"\nurl = "a.whl"\n', False),
        ("poetry.lock", "not toml", False),
        ("pdm.lock", PDM, True),
        ("pdm.lock", f'{PDM}git = "https://x.test/a.git"\nref = "v1"\n', True),
        ("pdm.lock", f'{PDM}path = "./lib"\neditable = true\n', False),
        ("pdm.lock", f'{PDM}url = "file:///${{PROJECT_ROOT}}/lib"\n', False),
        ("pylock.toml", PYLOCK, True),
        ("pylock.toml", f'{PYLOCK}[packages.vcs]\ntype = "git"\nurl = "https://x.test/a.git"\n', True),
        ("pylock.toml", f'{PYLOCK}[packages.directory]\npath = "lib"\n', False),
        ("pylock.toml", f'{PYLOCK}[packages.archive]\npath = "lib.zip"\n', False),
        ("pylock.toml", PYLOCK.replace("https://example.com/", "file:///opt/"), False),
        ("Pipfile.lock", pipfile('{"version": "==1"}'), True),
        ("Pipfile.lock", pipfile('{"git": "https://x.test/a.git", "ref": "v1"}'), True),
        ("Pipfile.lock", pipfile('{"file": "https://x.test/a.whl"}'), True),
        ("Pipfile.lock", pipfile('{"file": "./a.whl"}'), False),
        ("Pipfile.lock", pipfile('{"path": ".", "editable": true}'), False),
        ("Pipfile.lock", pipfile("1"), False),
        ("Pipfile.lock", "[" * 9999, False),
        ("Pipfile.lock", "[]", False),
    ],
)
def test_a_lock_of_another_tool(top, kind, text, is_shared):
    (top / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (top / "Pipfile").write_text("[packages]\n")
    (top / kind).write_text(text)
    found = find(top)
    assert (found.kind, found.is_source_bound) == (kind, not is_shared)


@pytest.mark.parametrize(
    ("kind", "text", "beside"),
    [
        ("poetry.lock", POETRY, ["pyproject.toml", "poetry.toml"]),
        ("pdm.lock", PDM, ["pyproject.toml", "pdm.toml"]),
        ("Pipfile.lock", pipfile("{}"), ["Pipfile"]),
    ],
)
def test_the_fingerprint_of_a_lock_covers_what_its_tool_reads(top, kind, text, beside):
    fingerprints = set()
    (top / kind).write_text(text)
    for name in beside:
        for content in ("", "# other\n"):
            (top / name).write_text(content)
            fingerprints.add(find(top).fingerprint)
    (top / kind).write_text(text.replace('"a', '"c'))
    fingerprints.add(find(top).fingerprint)
    assert "" not in fingerprints
    assert len(fingerprints) == 2 * len(beside) + 1
    (top / beside[0]).unlink()
    assert find(top).is_source_bound


PROJECT = '[project]\nname = "shop"\ndependencies = ["Django>=5", "lib @ git+https://example.com/lib.git"]\n'


@pytest.mark.parametrize(
    ("more", "is_shared"),
    [
        ("", True),
        ("[tool.ruff]\n", True),
        ('[project.optional-dependencies]\na = ["lib @ https://example.com/x"]\n', True),
        ('[project.optional-dependencies]\na = ["lib @ ./lib"]\n', False),
        ('[dependency-groups]\na = ["lib", {include-group = "b"}]\nb = []\n', True),
        ('[dependency-groups]\na = ["lib @ file:lib"]\n', False),
        ("[tool.uv]\npackage = false\n", True),
        ('[tool.uv.sources]\nlib = { git = "https://example.com/lib.git", tag = "v1" }\n', True),
        ('[[tool.uv.index]]\nname = "own"\nurl = "https://example.com/simple"\n', True),
        ('[[tool.uv.index]]\nname = "own"\nurl = "./simple"\n', False),
        ('[tool.uv.sources]\nlib = { path = "lib" }\n', False),
        ('[tool.uv.sources]\nlib = [{ path = "lib", marker = "a" }, { git = "https://example.com/x" }]\n', False),
        ('[tool.uv.sources]\nlib = { path = "lib", editable = true }\n', False),
        ("[tool.uv.sources]\nlib = { workspace = true }\n", False),
        ('[tool.uv]\nfind-links = ["wheels"]\n', False),
        ('[tool.uv.pip]\nfind-links = ["wheels"]\n', False),
        ('[build-system]\nrequires = ["hatchling"]\n', False),
        (f"[tool.uv.sources.{'a.' * 5000}a]\npath = 'x'\n", False),
    ],
)
def test_a_project(top, more, is_shared):
    (top / "pyproject.toml").write_text(f"{PROJECT}{more}")
    assert find(top).is_source_bound is not is_shared


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nname = "shop"\ndynamic = ["dependencies"]\n',
        '[project]\nname = "shop"\ndynamic = 1\n',
        '[project]\nname = "shop"\ndependencies = "Django"\n',
        '[project]\nname = "shop"\ndependencies = [1]\n',
        '[project]\nname = "shop"\ndependencies = ["lib @ file:lib"]\n',
        '[project]\nname = "shop"\ndependencies = ["lib @ ./lib"]\n',
        "project = 1\n",
        "[tool.poetry.dependencies]\ndjango = '5'\n",
        "not toml",
        "a = " + "[" * 9999,
    ],
)
def test_a_dynamic_list_is_not_shared(top, text):
    (top / "pyproject.toml").write_text(text)
    assert find(top).is_source_bound


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["fifo", "directory", "outside", "device", "loop", "fifo behind a link"])
def test_only_regular_files_of_the_source_are_read(top, name, kind):
    for other in NAMES:
        (top / other).write_text("Django" if other == "requirements.txt" else PROJECT)
    (top / name).unlink()
    for other in NAMES[: NAMES.index(name)]:
        (top / other).unlink()
    if kind == "fifo":
        os.mkfifo(top / name)
    elif kind == "directory":
        (top / name).mkdir()
    else:
        os.mkfifo(top / "pipe")
        (top.parent / "outside").write_text("Django" if name == "requirements.txt" else PROJECT)
        targets = {"outside": "../outside", "device": "/dev/zero", "loop": name, "fifo behind a link": "pipe"}
        (top / name).symlink_to(targets[kind])
    if kind in ("outside", "loop"):
        found = find(top)
        # A loop of links exists for none: the next list is looked for.
        assert found.kind != name if kind == "loop" else (found.kind, found.is_source_bound) == (name, True)
    else:
        # uv would wait for a FIFO to the end of its unit's time.
        with pytest.raises(ReleaseError, match=f"source: '{name}' is not a file"):
            find(top)


def test_a_link_inside_of_the_source_is_read(top):
    (top / "deps").mkdir()
    (top / "deps" / "list.txt").write_text("Django")
    (top / "requirements.txt").symlink_to("deps/list.txt")
    assert not find(top).is_source_bound


def test_a_file_that_includes_itself_through_a_link_is_read_once(top):
    (top / "again").symlink_to(".")
    (top / "requirements.txt").write_text("-r again/requirements.txt\nDjango\n")
    texts = dependencies.requirements_files.chain([str(top / "requirements.txt")], str(top))
    # Without an end, it would be read again and again.
    assert len(list(islice(texts, 10))) == 1


def test_the_files_of_a_chain_are_read_up_to_a_size(top, monkeypatch):
    monkeypatch.setattr(dependencies.requirements_files, "MAX_LIST_BYTES", 1000)
    (top / "requirements.txt").write_text("-r more.txt\n")
    (top / "more.txt").write_text(f"# {'x' * 900}\n")
    assert not find(top).is_source_bound
    (top / "more.txt").write_text(f"# {'x' * 1000}\n")
    assert find(top).is_source_bound

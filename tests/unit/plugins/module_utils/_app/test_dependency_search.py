"""The list that is installed is the nearest one or the named one, and no lock is ignored."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import dependencies, dependency_search
from ansible_collections.gatehouse.django.plugins.module_utils._app.dependency_files import LOCKS
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

PROJECT = '[project]\nname = "shop"\n'


@pytest.fixture
def top(tmp_path):
    path = tmp_path / "release" / "src"
    path.mkdir(parents=True)
    return path


def find(top, project=".", **options):
    return dependencies.find(str(top / project), str(top), dependencies.Options(**options))


def described(top, project=".", **options):
    return find(top, project, **options).description


def refused(top, project=".", **options):
    with pytest.raises(ReleaseError) as raised:
        find(top, project, **options)
    return str(raised.value)


def write(top, *names, text="Django"):
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)


@pytest.mark.parametrize("lock", [*LOCKS, "pylock.production.toml"])
def test_a_lock_comes_before_lists_that_are_none(top, lock):
    write(top, lock, "requirements.txt", "pyproject.toml", text="")
    assert described(top) == lock
    assert find(top).is_exact


def test_two_locks_in_one_directory(top):
    write(top, "app/uv.lock", "app/poetry.lock", text="")
    said = refused(top, "app")
    assert "'app/uv.lock' and 'app/poetry.lock' can differ" in said
    assert "Set requirements_file to it, or remove the other one." in said
    assert described(top, "app", requirements_file="poetry.lock") == "app/poetry.lock"
    (top / "app/uv.lock").unlink()
    write(top, "app/pylock.a.toml", text="")
    assert "'app/poetry.lock' and 'app/pylock.a.toml' can differ" in refused(top, "app")


def test_a_named_lock_beside_the_usual_one_is_for_another_purpose(top):
    write(top, "pylock.toml", "pylock.development.toml", text="")
    assert described(top) == "pylock.toml"


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("listed", ["requirements.txt", "pyproject.toml"])
def test_a_lock_above_the_list_of_a_project_is_not_ignored(top, lock, listed):
    write(top, f"backend/{listed}", lock, text="")
    (top / "backend/site").mkdir()
    said = refused(top, "backend/site")
    assert f"own list 'backend/{listed}' would be installed, and the lock '{lock}' ignored" in said
    for chosen in (f"../{listed}", f"../../{lock}"):
        assert f"'{chosen}'" in said
        assert described(top, "backend/site", requirements_file=chosen).endswith(chosen.rpartition("/")[2])


def test_the_nearest_lock_is_that_of_the_project(top):
    write(top, "backend/poetry.lock", "uv.lock", text="")
    assert described(top, "backend") == "backend/poetry.lock"


@pytest.mark.parametrize("how", ["editable", "virtual"])
def test_a_member_of_a_workspace_is_installed_from_its_lock(top, how):
    write(top, "backend/pyproject.toml", "pyproject.toml", text=PROJECT)
    write(top, "backend/site/manage.py", "other/pyproject.toml", text=PROJECT)
    write(top, "uv.lock", text=f'[[package]]\nname = "shop"\nsource = {{ {how} = "backend" }}\n')
    found = find(top, "backend/site")
    assert (found.description, found.directory) == ("uv.lock", str(top / "backend"))
    assert found.is_source_bound
    assert find(top, "backend/site", requirements_file="../../uv.lock").directory == str(top / "backend")
    assert "ignored" in refused(top, "other")


def test_a_pipfile_without_its_lock(top):
    write(top, "Pipfile")
    assert refused(top) == (
        "source: 'Pipfile' has no Pipfile.lock. Run 'pipenv lock' in the project and add the file to the source."
    )
    write(top, "requirements.txt")
    assert described(top) == "requirements.txt"


def test_requirements_are_named_by_their_path(top):
    write(top, "requirements/base.txt", "requirements/production.txt", "uv.lock")
    (top / "backend").mkdir()
    found = find(top, requirements_file="requirements/production.txt")
    assert (found.kind, found.path) == ("requirements.txt", str(top / "requirements/production.txt"))
    # Where pip would run, so that `./lib` in the list is found.
    assert found.directory == str(top)
    assert find(top, "backend", requirements_file="../requirements/production.txt").directory == str(top)


@pytest.mark.parametrize("name", ["requirements/prod.txt", "requirements", "../src"])
def test_a_named_list_that_is_no_file(top, name):
    write(top, "requirements/base.txt", "app/requirements-dev.txt", "a/b/c/d/requirements.txt", "docs/notes.txt")
    write(top, ".hidden/requirements.txt")
    said = refused(top, requirements_file=name)
    assert said.startswith("requirements_file: '")
    assert "are: app/requirements-dev.txt, requirements/base.txt. The path is relative" in said


def test_a_named_list_outside_of_the_source(top):
    write(top.parent, "outside.txt")
    assert "'../outside.txt' is outside of the source" in refused(top, requirements_file="../outside.txt")
    assert "constraints: '../outside.txt' is outside" in refused(top, constraints=["../outside.txt"])


def test_candidates_follow_no_link(top):
    write(top.parent, "elsewhere/requirements.txt")
    (top / "link").symlink_to("../elsewhere")
    assert dependency_search.candidates(str(top)) == []


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [
        ("Django==5.2.3\n", False),
        ("--require-hashes\nDjango==5.2.3\n", True),
        ("Django==5.2.3 \\\n    --hash=sha256:aa00\n", True),
        ("# --hash=sha256:aa\nDjango # --require-hashes\n", False),
        ("-r hashed.txt\n", True),
    ],
)
def test_a_list_with_hashes_is_exact(top, text, is_exact):
    write(top, "hashed.txt", text="--require-hashes\nDjango==5.2.3 --hash=sha256:aa00\n")
    write(top, "requirements.txt", text=text)
    assert find(top).is_exact is is_exact


def test_constraints_are_for_lists_without_exact_versions(top):
    write(top, "requirements.txt", "limits.txt")
    found = find(top, constraints=["urllib3<3", "limits.txt"])
    assert (found.constraint_lines, found.constraint_files) == (["urllib3<3"], [str(top / "limits.txt")])
    assert found.fingerprint not in ("", find(top).fingerprint)
    before = found.fingerprint
    write(top, "limits.txt", text="urllib3<2")
    assert find(top, constraints=["urllib3<3", "limits.txt"]).fingerprint not in ("", before)
    assert "constraints: 'none.txt' is not a file" in refused(top, constraints=["none.txt"])
    write(top, "requirements.txt", text="--require-hashes\n")
    assert refused(top, constraints=["urllib3<3"]).startswith(
        "constraints: 'requirements.txt' names the version of every"
    )


GROUPED = {
    "uv.lock": ("pyproject.toml", "[dependency-groups]\nprod = []\n[project.optional-dependencies]\nText = []\n"),
    "pyproject.toml": (
        "pyproject.toml",
        "[dependency-groups]\nprod = []\n[project.optional-dependencies]\nText = []\n",
    ),
    "poetry.lock": ("pyproject.toml", "[tool.poetry.group.prod.dependencies]\n[tool.poetry.extras]\nText = []\n"),
    "pdm.lock": (
        "pyproject.toml",
        "[tool.pdm.dev-dependencies]\nprod = []\n[project.optional-dependencies]\nText = []\n",
    ),
    "pylock.toml": ("pylock.toml", 'dependency-groups = ["prod"]\nextras = ["Text"]\n'),
}


@pytest.mark.parametrize("kind", GROUPED)
def test_groups_and_extras_are_those_of_the_project(top, kind):
    write(top, kind, text="")
    write(top, GROUPED[kind][0], text=GROUPED[kind][1])
    assert described(top, groups=["prod"], extras=["text"]) == f"{kind} (groups: prod; extras: text)"
    assert refused(top, groups=["production"]) == f"groups: {kind} has no 'production'. It has: prod."
    assert refused(top, extras=["tests"]) == f"extras: {kind} has no 'tests'. It has: Text."


def test_groups_of_a_pipfile_are_its_categories(top):
    write(top, "Pipfile.lock", text='{"_meta": {}, "default": {}, "develop": {}, "prod": {}}')
    assert described(top, groups=["prod", "dev-packages"]) == "Pipfile.lock (groups: prod, dev-packages)"
    assert refused(top, groups=["develop"]) == "groups: Pipfile.lock has no 'develop'. It has: dev-packages, prod."
    assert refused(top, extras=["a"]) == "extras: Pipfile.lock has no extras. Remove the option."


def test_a_list_without_groups(top):
    assert refused(top, groups=["a"]) == (
        "groups: a project without a list of dependencies has no groups. Remove the option."
    )
    write(top, "requirements.txt")
    assert refused(top, groups=["a"]) == "groups: requirements.txt has no groups. Remove the option."


def test_the_old_development_groups_count(top):
    for kind, text in {
        "uv.lock": "[tool.uv]\ndev-dependencies = []\n",
        "poetry.lock": "[tool.poetry.dev-dependencies]\n",
    }.items():
        write(top, kind, text="")
        write(top, "pyproject.toml", text=text)
        assert described(top, groups=["dev"]) == f"{kind} (groups: dev)"
        (top / kind).unlink()


BUILT = '[build-system]\nrequires = ["poetry-core"]\n'


@pytest.mark.parametrize(
    ("kind", "text", "made", "is_package"),
    [
        ("poetry.lock", f'[tool.poetry]\nname = "my-shop"\n{BUILT}', "my_shop/__init__.py", True),
        ("poetry.lock", f'[tool.poetry]\nname = "my-shop"\n{BUILT}', "src/my_shop/__init__.py", True),
        ("poetry.lock", f'[project]\nname = "shop"\n{BUILT}', "shop.py", True),
        # `poetry install` would fail there; such projects run it with --no-root.
        ("poetry.lock", f'[tool.poetry]\nname = "my-shop"\n{BUILT}', "other.py", False),
        ("poetry.lock", f'[tool.poetry]\nname = "a"\npackages = [{{ include = "b" }}]\n{BUILT}', "b.py", True),
        ("poetry.lock", f'[tool.poetry]\nname = "shop"\npackage-mode = false\n{BUILT}', "shop.py", False),
        ("poetry.lock", '[tool.poetry]\nname = "shop"\n', "shop.py", False),
        ("pdm.lock", f'[project]\nname = "shop"\n{BUILT}', "x", True),
        ("pdm.lock", f'[project]\nname = "shop"\n[tool.pdm]\ndistribution = false\n{BUILT}', "x", False),
        ("pdm.lock", '[project]\nname = "shop"\n', "x", False),
        ("uv.lock", f'[project]\nname = "shop"\n{BUILT}', "x", False),
        ("pylock.toml", f'[project]\nname = "shop"\n{BUILT}', "x", False),
    ],
)
def test_the_project_itself_is_installed_where_its_tool_would(top, kind, text, made, is_package):
    write(top, kind, text="")
    write(top, "pyproject.toml", text=text)
    write(top, made)
    assert find(top).is_package is is_package
    assert not is_package or find(top).is_source_bound

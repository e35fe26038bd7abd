"""Problems of the options of an app's dependencies."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.dependency_options import (
    check_directory,
    of_dependencies,
)

DIRECTORY = {"source": {"directory": "/code", "subdirectory": "backend"}}


def found(options):
    return "\n".join(of_dependencies({**DIRECTORY, **options}))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"requirements": ["psycopg[binary]>=3.2"]},
        *({"requirements_file": name} for name in ("requirements/production.txt", "../uv.lock", "../../backend/a.txt")),
        {"groups": ["production", "a_b"], "extras": ["Text-1.x"]},
        {
            "constraints": [
                "urllib3<3",
                "Django ~= 5.2",
                "a===1",
                "b >1,<2 ; python_version > '3'",
                "c @ https://x.test/c",
                "d @ git+ssh://git@x.test/d@v1",
            ]
        },
        {"constraints": ["constraints.txt", "../constraints/production.txt"]},
    ],
)
def test_valid_options(options):
    assert found(options) == "" or "../../backend" in str(options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"requirements": ["-r base.txt"]}, "A file of the project belongs in requirements_file"),
        ({"requirements": [" "]}, "requirements: ' ' is not a requirement"),
        ({"requirements": ["a @ https://bot:t0ken@example.com/a.whl"]}, "requirements: an address contains a password"),
        ({"constraints": ["a @ git+https://t0ken@example.com/a"]}, "constraints: an address contains a password"),
        *(
            ({"requirements_file": name}, f"requirements_file: '{name}' must be a path")
            for name in ("/etc/passwd", "../../x.txt", "a\nb", ".", "a;b", "..")
        ),
        ({"groups": ["--all-groups"]}, "groups: '--all-groups' is not a valid name"),
        ({"extras": ["a,b"]}, "extras: 'a,b' is not a valid name"),
        *(
            ({"constraints": [one]}, "is neither a limit for a version")
            for one in ("urllib3", "-c x", "a<1\nb", "../../c.txt", "/c.txt", "")
        ),
    ],
)
def test_problems(options, expected):
    assert expected in found(options)


@pytest.mark.parametrize("pypi", ["shop==1.0", "shop[a]==1.0"])
@pytest.mark.parametrize("option", ["groups", "extras"])
def test_a_package_of_an_index_has_its_extras_in_its_requirement(option, pypi):
    said = found({"source": {"pypi": pypi}, option: ["x"]})
    assert said.startswith(
        f"{option}: a package of an index has only extras, which belong in source.pypi, like 'shop[extra]"
    )


def params(path, **options):
    return {"app": "shop", "source": {"directory": str(path)}, "files": {}, **options}


def test_a_directory_is_checked_before_the_host_is_asked(tmp_path):
    for name in ("uv.lock", "pdm.lock"):
        (tmp_path / name).touch()
    with pytest.raises(
        ValueError, match=r"^Refused, nothing was changed\. App 'shop':\nsource: 'uv.lock' and 'pdm.lock'"
    ):
        check_directory(params(tmp_path))
    check_directory(params(tmp_path, requirements_file="uv.lock"))
    # The host has these files, too.
    check_directory(params(tmp_path, files={"requirements.txt": "Django"}))
    with pytest.raises(ValueError, match="Refused"):
        check_directory(params(tmp_path, files={"conf/local.py": ""}))
    check_directory({**params(tmp_path), "source": {"git": "https://x.test/shop.git"}})


def test_an_excluded_lock_is_none(tmp_path):
    for name in ("uv.lock", "pdm.lock"):
        (tmp_path / name).touch()
    given = params(tmp_path)
    given["source"]["exclude"] = ["pdm.lock"]
    check_directory(given)
    given["source"]["exclude"] = ["other.lock"]
    with pytest.raises(ValueError, match="can differ"):
        check_directory(given)


def test_a_lock_that_git_ignores_is_not_left_out_in_silence(tmp_path):
    for name, text in {".gitignore": "*.lock\n", "uv.lock": "", "requirements.txt": ""}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=r"git ignores the lock 'uv\.lock', so the host would not get it"):
        check_directory(params(tmp_path))
    check_directory(params(tmp_path, requirements_file="requirements.txt"))
    (tmp_path / ".gitignore").write_text("")
    given = params(tmp_path)
    given["source"]["exclude"] = ["uv.lock"]
    check_directory(given)


def test_the_directory_of_the_project_is_searched(tmp_path):
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend/requirements.txt").touch()
    (tmp_path / "uv.lock").touch()
    given = params(tmp_path)
    check_directory(given)
    given["source"]["subdirectory"] = "backend"
    with pytest.raises(ValueError, match=r"the lock 'uv\.lock' ignored"):
        check_directory(given)

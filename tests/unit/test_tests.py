"""Each test proves something, says so where it is a smoke test, and stands alone."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
HELPERS = sorted((TESTS / "testinfra/helpers").glob("*.py"))
RAISES = {"pytest.raises", "pytest.fail", "pytest.warns"}
SMOKE = "Smoke test"


@cache
def functions(path):
    """Each function of a file: its name, its docstring, what it calls, and whether it fails by itself."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return [(node.name, ast.get_docstring(node) or "", *looked_at(node)) for node in nodes]


def looked_at(function):
    nodes = list(ast.walk(function))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    return called, bool(called & RAISES) or any(isinstance(node, ast.Assert | ast.Raise) for node in nodes)


def cases(path):
    return [function for function in functions(path) if function[0].startswith("test_")]


def provers(path):
    """The functions and fixtures that the tests of a file may call, and that assert something."""
    shared = HELPERS if TESTS / "testinfra" in path.parents else []
    files = [path, *path.parent.glob("conftest.py"), *shared]
    return {name for file in files for name, _doc, _called, fails in functions(file) if fails} - {
        name for name, *_more in cases(path)
    }


def test_every_test_asserts_something_or_says_that_it_is_a_smoke_test():
    wrong = [
        f"{path.relative_to(TESTS)}::{name}"
        for path in FILES
        for name, doc, called, fails in cases(path)
        if (fails or bool(called & provers(path))) == doc.startswith(SMOKE)
    ]
    assert wrong == []


def test_no_test_calls_another_one():
    wrong = [
        f"{path.relative_to(TESTS)}::{name}"
        for path in FILES
        for name, _doc, called, _fails in cases(path)
        if called & {other for other, *_more in cases(path)}
    ]
    assert wrong == []


def test_no_test_asserts_what_raises():
    """`eventually` raises with what it waited for. An assertion would suggest that it returns False."""
    wrong = [path.relative_to(TESTS) for path in FILES if re.search(r"\bassert (not )?eventually\(", path.read_text())]
    assert wrong == []


def test_the_index_names_every_directory_of_tests_and_only_files_that_exist():
    """The table of CONTRIBUTING.md."""
    text = (TESTS.parent / "CONTRIBUTING.md").read_text()
    table = text.partition("## Which test holds what")[2].partition("\n## ")[0].partition("|---|---|")[2]
    named = re.findall(r"`([a-z_/]+(?:\.py)?)`", table)
    known = {path.parent.name for path in (TESTS / "testinfra").glob("*/test_*.py")}
    assert known - {name.partition("/")[0] for name in named} == set()
    files = [path.relative_to(TESTS).as_posix() for path in FILES]
    missing = [name for name in named if name.endswith(".py") and not any(file.endswith(f"/{name}") for file in files)]
    assert missing == []

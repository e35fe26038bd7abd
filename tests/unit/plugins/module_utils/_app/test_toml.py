"""TOML of a stranger takes little time and memory."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import toml


@pytest.mark.parametrize(
    "text",
    [
        f"{'a.' * 10_000}a = 1",
        f"{chr(34)}b{chr(34)}{' . a' * 10_000} = 1",
        f"[{'a.' * 3000}a]\n" + "b = 1\n" * 10_000,
        f"x = {'[' * 100_000}",
        "x = ",
    ],
    ids=["key", "quoted", "below a header", "nested", "not valid"],
)
def test_what_tomllib_would_need_too_long_for_is_not_valid(text):
    with pytest.raises(ValueError):
        toml.loads(text)


def test_a_usual_file_is_parsed():
    wheels = "".join(
        f'    {{ url = "https://files.example.com/packages/a/b/shop-1.{number}.0-cp312-manylinux_2_17.whl" }},\n'
        for number in range(20_000)
    )
    text = f'[[package]]\nname = "shop"\nwheels = [\n{wheels}]\n[tool.poetry.group.dev.dependencies]\ndjango = "5"\n'
    found = toml.loads(text)
    assert len(found["package"][0]["wheels"]) == 20_000
    assert found["tool"]["poetry"]["group"]["dev"]["dependencies"] == {"django": "5"}

"""The environment file of an app."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import environment


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("plain", '"plain"'),
        ("two words # no comment", '"two words # no comment"'),
        ('say "no"', r'"say \"no\""'),
        ("it's", '"it\'s"'),
        (r"C:\new", r'"C:\\new"'),
        ("$HOME ${HOME} `id`", r'"\$HOME \${HOME} \`id\`"'),
        ("one\ntwo", '"one\ntwo"'),
        ("", '""'),
    ],
)
def test_quote(value, line):
    assert environment.quote(value) == line


def test_the_file_is_sorted_one_variable_to_a_line():
    assert environment.render({"B": "2", "A": "1"}) == 'A="1"\nB="2"\n'


@pytest.mark.parametrize("value", ["\0", "a\rb", "\x1b[0m", "\x7f"])
def test_values_that_systemd_drops(value):
    assert environment.FORBIDDEN.search(value)


@pytest.mark.parametrize("value", ["tab\there", "line\nbreak", "é \N{SNOWMAN}"])
def test_values_that_systemd_accepts(value):
    assert environment.FORBIDDEN.search(value) is None

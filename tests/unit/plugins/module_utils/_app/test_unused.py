"""The warnings about variables that a project does not use."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.unused import explain


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DJANGO_SECRET_KEY", 'SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]'),
        ("DATABASE_URL", "DATABASES in its settings names others"),
        ("STRIPE_KY", "Correct the name, or remove the variable."),
    ],
)
def test_the_option_and_the_remedy(name, words):
    said = explain(name, "secrets")
    assert said.startswith("secrets: the project does not use ")
    assert name in said
    assert words in said

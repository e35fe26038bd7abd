"""What is a secret, and how it is hidden."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import has_password, redact, secrets_of


def test_secrets_are_replaced_the_longest_first():
    assert redact("pass word, pass", ["pass", "pass word", ""]) == "********, ********"
    assert redact("nothing", []) == "nothing"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DJANGO_SECRET_KEY", "s3cr3t", ["s3cr3t"]),
        ("email_host_password", "hunter2", ["hunter2"]),
        ("SENTRY_DSN", "https://abc@sentry.example.com/1", ["https://abc@sentry.example.com/1"]),
        ("DATABASE_URL", "postgres://shop:pw12@db/shop", ["postgres://shop:pw12@db/shop", "pw12"]),
        (
            "UV_INDEX",
            "https://bot:token@pypi.example.com/simple",
            ["https://bot:token@pypi.example.com/simple", "token"],
        ),
        ("DATABASE_URL", "sqlite:////srv/shop/data/db.sqlite3", []),
        ("STATIC_URL", "/static/", []),
        ("API_TOKEN", "abc", []),
        ("DEBUG", "false", []),
    ],
)
def test_what_is_a_secret_in_an_environment(name, value, secrets):
    assert secrets_of({name: value}) == secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a @ https://bot:t0ken@example.com/a.whl", True),
        ("a @ git+https://t0ken@example.com/a.git", True),
        ("psql postgres://shop:pw@db/shop", True),
        ("sh -c 'psql postgres://shop:$PASSWORD@db/shop'", False),
        ("a @ git+ssh://git@example.com/a.git@v1", False),
        ("a @ git+https://example.com:8443/a.git@v1", False),
        ("curl http://localhost:8000/mail?to=a@example.com", False),
    ],
)
def test_an_address_with_a_password(text, expected):
    assert has_password(text) is expected

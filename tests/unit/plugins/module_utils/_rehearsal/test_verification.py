"""Whether a rehearsal has applied the migrations."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.databases import Database
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal import verification
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.copies import Copy
from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.findings import Migration

COPY = Copy(Database("default", "postgresql", "shop", "", "", "", ""), ("default",), "rehearsal", "shop-copy-rehearsal")


@pytest.mark.parametrize(
    ("planned", "applied"),
    [
        ("shop.0002", set()),
        ("shop.0002", {"shop.0001"}),
        ("shop.0002 (database queue)", {"shop.0002"}),
    ],
)
def test_the_record_of_migrations_is_believed_and_no_report(planned, applied):
    with pytest.raises(ReleaseError, match="was not applied to the copy of the data, although"):
        verification.verify([planned], [COPY], lambda _copy: applied)


def test_an_applied_migration_is_verified():
    asked = []
    verification.verify(["shop.0002"], [COPY], lambda copy: asked.append(copy) or {"shop.0002"})
    assert asked == [COPY]


def test_a_failure_names_the_migration_and_the_conditions(tmp_path):
    app = App("shop", str(tmp_path))
    failed = [Migration("shop.0002", "default", 0.0, 1.0), Migration("shop.0003", "default", 1.0, None)]
    said = verification.failure(app, failed, 1, "ValueError: no row")
    assert said.startswith("rehearse: the migration shop.0003 fails on a copy of the data:\nValueError: no row\n")
    assert said.endswith(f"{verification.CONDITIONS}\n{verification.UNTOUCHED}")
    assert verification.EXITED in verification.failure(app, [], 0, "")

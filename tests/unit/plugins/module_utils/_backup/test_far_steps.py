"""The release of another host that a rollback of the database returns to there."""

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.far_steps import release_like

APP = SimpleNamespace(current=lambda: "ccc-11", rollback_targets=lambda: ["bbb-12", "bbb-11", "aaa-11"])


@pytest.mark.parametrize(
    ("release", "is_served", "found"),
    [("bbb-11", False, "bbb-11"), ("bbb-13", False, "bbb-12"), ("aaa-13", False, "aaa-11"), ("ccc-13", True, "ccc-11")],
)
def test_the_release_of_the_same_source(release, is_served, found):
    assert release_like(APP, release, is_served=is_served) == found


@pytest.mark.parametrize(("release", "is_served"), [("ddd-11", False), ("ccc-11", False), ("bbb-11", True)])
def test_a_host_without_it_is_refused(release, is_served):
    with pytest.raises(ReleaseError, match=r"this host .* the source of .* Nothing was changed"):
        release_like(APP, release, is_served=is_served)

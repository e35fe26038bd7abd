"""Tests for module_utils/_app/prepared.py."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import prepared
from ansible_collections.gatehouse.django.plugins.module_utils._app.prepared import Prepared
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError

DONE = Prepared(Report(phase="plan", migrations=["shop.0002_b"]), ["/a"], "uv.lock", ["DEBUG"], [], "run1")


def test_the_next_step_of_the_same_run_reads_it(tmp_path):
    DONE.write(str(tmp_path))
    assert (tmp_path / prepared.NAME).stat().st_mode & 0o777 == 0o600
    assert Prepared.read(str(tmp_path), "run1") == DONE


@pytest.mark.parametrize("content", [None, "{}", "[", '{"report": 1}'])
def test_a_candidate_that_is_gone_or_damaged_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / prepared.NAME).write_text(content)
    with pytest.raises(ReleaseError, match="another run has deployed the app meanwhile"):
        Prepared.read(str(tmp_path), "run1")


def test_a_candidate_of_another_run_is_refused(tmp_path):
    DONE.write(str(tmp_path))
    with pytest.raises(ReleaseError, match="is not there any more"):
        Prepared.read(str(tmp_path), "run2")


def test_a_complete_release_has_none(tmp_path):
    DONE.write(str(tmp_path))
    prepared.drop(str(tmp_path))
    assert list(tmp_path.iterdir()) == []

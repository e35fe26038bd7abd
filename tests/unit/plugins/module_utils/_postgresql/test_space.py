"""A cluster whose file system is full, or nearly."""

from types import SimpleNamespace

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import space
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """cluster(MB free in pg_wal): the cluster; its data have space."""
    (tmp_path / "pg_wal").mkdir()

    def cluster(free):
        def statvfs(path):
            size = free if path.endswith("pg_wal") else 1000
            return SimpleNamespace(f_bavail=size * 256, f_frsize=4096, f_flag=0, f_files=0, f_favail=0)

        monkeypatch.setattr(space.os, "statvfs", statvfs)
        return Cluster("17", "main", is_online=False, data=str(tmp_path))

    return cluster


@pytest.mark.parametrize(("free", "lack"), [(0, "is full"), (63, "has only 63 MB left"), (64, ""), (5000, "")])
def test_what_it_lacks(cluster, free, lack):
    found = cluster(free)
    assert space.shortage(found) == ((f"{found.data}/pg_wal", lack) if lack else ("", ""))
    assert bool(space.refusal(found)) == bool(lack)


def test_a_cluster_without_a_directory():
    assert space.refusal(Cluster("17", "main", is_online=False, data="")) == ""

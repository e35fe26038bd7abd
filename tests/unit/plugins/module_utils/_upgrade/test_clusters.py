"""Where the data of the next version are, and whether a cluster has any."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade.clusters import Server, data_beside, has_data


@pytest.mark.parametrize(
    ("data", "beside"),
    [
        ("/var/lib/postgresql/15/main", "/var/lib/postgresql/17/main"),
        ("/big/15/main/", "/big/17/main"),
        # On the same file system, if it is no mount point itself.
        ("/big/shop", "/big/shop-17-main"),
    ],
)
def test_the_data_stay_on_their_file_system(data, beside):
    assert data_beside(Server("15", "main", "5432", data, is_online=True), "17", "main") == beside


def test_a_database_that_initdb_did_not_make(tmp_path):
    one = Server("17", "main", "5433", str(tmp_path), is_online=False)
    assert not has_data(one)
    for name in ("1", "4", "5", "pgsql_tmp"):
        (tmp_path / "base" / name).mkdir(parents=True)
    assert not has_data(one)
    (tmp_path / "base/16384").mkdir()
    assert has_data(one)

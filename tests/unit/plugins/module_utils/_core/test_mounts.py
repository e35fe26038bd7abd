"""The mount points of a host, as the kernel writes them."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._core import mounts

LINE = "36 25 0:32 / {} {} shared:1 - ext4 /dev/vda rw\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mountinfo"
    points = ("/view/data/media", "/view/data", "/view/database", "/view/data/a\\040b")
    path.write_text("".join(LINE.format(point, "ro,nosymfollow") for point in points) + "\n")
    return path


def test_the_mount_points_below_a_directory(table):
    found = mounts.below("/view/data", str(table))
    assert list(found) == ["/view/data", "/view/data/a b", "/view/data/media"]
    assert found["/view/data"] == ["ro", "nosymfollow"]


def test_the_last_of_several_at_one_place(table):
    table.write_text(table.read_text() + LINE.format("/view/data", "rw"))
    assert mounts.mounted(str(table))["/view/data"] == ["rw"]


def test_those_of_this_host():
    assert "/" in mounts.mounted()

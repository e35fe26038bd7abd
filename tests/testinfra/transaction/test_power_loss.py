"""What the disk has when the power fails: a rename(2) makes live only what was brought to the disk before.

The order of the calls is all that a test can see; tests/unit has the same for each way of writing.
"""

import pytest
from helpers.kills import changes
from helpers.sites import extra as site

HOME = "/etc/nginx/gatehouse"


@pytest.fixture
def order(driver):
    """The changes that a publication makes below /etc/nginx, as (what, path), a rename with both of its names."""
    events = [event.split(" ", 1) for event in changes(driver, site())]
    return [(what, path) for what, path in events if "/etc/nginx/" in f"{path}/" and what != "subprocess.Popen"]


def index(order, what, path, start=0):
    assert (what, path) in order[start:], f"no {what} {path} in {order[start:]}"
    return order.index((what, path), start)


def renames(order):
    """What gets a name, up to the switch, which is the last one of them: (when, from, to)."""
    found = [(number, *paths.split()) for number, (what, paths) in enumerate(order) if what == "os.rename"]
    switch = [target for _number, _source, target in found].index(f"{HOME}/live")
    return found[: switch + 1]


def test_the_generation_is_renamed_before_the_link(order):
    (_named, built, generation), (_switched, _temporary, link) = renames(order)
    assert built == f"{generation.replace('generations/', 'generations/.')}.gatehouse-new"
    assert link == f"{HOME}/live"


def test_every_file_is_synced_before_its_directory_is_renamed(order):
    number, built, _generation = renames(order)[0]
    written = [path for what, path in order[:number] if what == "open" and path.startswith(f"{built}/")]
    assert len(written) > 8
    for path in written:
        assert index(order, "open", path) < index(order, "os.fsync", path) < number


def test_every_directory_is_synced_before_it_is_renamed(order):
    number, built, _generation = renames(order)[0]
    written = [path for what, path in order[:number] if what == "open" and path.startswith(f"{built}/")]
    for path in written:
        directory = path.rpartition("/")[0]
        assert index(order, "open", path) < index(order, "os.fsync", directory) < number


def test_the_rename_of_the_generation_is_synced_before_the_link(order):
    named, _built, _generation = renames(order)[0]
    switched = renames(order)[-1][0]
    assert named < index(order, "os.fsync", f"{HOME}/generations", named) < switched


def test_the_link_is_synced_before_the_reload(order):
    switched = renames(order)[-1][0]
    assert index(order, "os.fsync", HOME, switched) > switched

"""An inventory's words in systemd's writing."""

import pytest
from ansible_collections.gatehouse.django.plugins.plugin_utils._app.units import command_line, directives


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("celery -A shop worker", '"celery" "-A" "shop" "worker"'),
        ("sh -c 'a | b'", '"sh" "-c" "a | b"'),
        ("note 100%", '"note" "100%%"'),
        ("note $HOME '${HOME}' $$", '"note" "$$HOME" "$${HOME}" "$$$$"'),
        (r"note a\\b", r'"note" "a\\b"'),
        ("note 'say \"so\"' ''", r'"note" "say \"so\"" ""'),
        (r"find . -exec true \;", '"find" "." "-exec" "true" ";"'),
    ],
)
def test_a_command_means_what_it_says(command, written):
    assert command_line(command) == written


def test_directives_are_replaced_one_by_one():
    profile = {"PrivateTmp": True, "UMask": "0027", "SystemCallFilter": ["@system-service", "~@privileged"]}
    assert directives(profile, {"PrivateTmp": False}) == [
        "PrivateTmp=no",
        "UMask=0027",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
    ]
    assert directives(profile, {"SystemCallFilter": ""})[2:] == ["SystemCallFilter="]


def test_writable_paths_are_added():
    assert directives({"ReadWritePaths": "/srv/shop/data"}, {"ReadWritePaths": ["/mnt/a", "/mnt/b"]}) == [
        "ReadWritePaths=/srv/shop/data",
        "ReadWritePaths=/mnt/a",
        "ReadWritePaths=/mnt/b",
    ]

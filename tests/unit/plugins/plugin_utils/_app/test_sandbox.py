"""The sandbox of an app as systemd's directives."""

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.sandbox import directives, properties, slice_name


def test_directives_are_replaced_one_by_one():
    profile = {"PrivateTmp": True, "UMask": "0027", "SystemCallFilter": ["@system-service", "~@privileged"]}
    assert directives(profile, {"PrivateTmp": False}) == [
        "PrivateTmp=no",
        "UMask=0027",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
    ]
    assert directives(profile, {"SystemCallFilter": ""})[2:] == ["SystemCallFilter="]


def test_writable_paths_extend_the_default():
    assert directives({"ReadWritePaths": "/srv/shop/data"}, {"ReadWritePaths": ["/mnt/a", "/mnt/b"]}) == [
        "ReadWritePaths=/srv/shop/data",
        "ReadWritePaths=/mnt/a",
        "ReadWritePaths=/mnt/b",
    ]


def test_the_sandbox_is_the_apps_own():
    found = properties("shop-two", "/srv/shop-two/data", {"open_files": 1000, "tasks": 64}, {"UMask": "0022"})
    assert found[:5] == [
        "User=shop-two",
        "Group=shop-two",
        r"Slice=gatehouse-shop\x2dtwo.slice",
        "LimitNOFILE=1000",
        "LimitNPROC=64",
    ]
    assert {"UMask=0022", "ReadWritePaths=/srv/shop-two/data", "PrivateUsers=yes"} < set(found)


def test_slices_of_apps_are_not_nested():
    assert slice_name("shop") == "gatehouse-shop.slice"
    assert not slice_name("shop-two").startswith("gatehouse-shop-")

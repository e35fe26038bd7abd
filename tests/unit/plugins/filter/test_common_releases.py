"""The filter common_releases."""

from ansible_collections.gatehouse.django.plugins.filter.common_releases import common_releases


def link(app, target):
    return {"item": app, "stat": {"exists": bool(target)} | ({"lnk_target": target} if target else {})}


def test_the_release_that_all_hosts_serve():
    links = [link("shop", "releases/a-1"), link("shop", "releases/a-1"), link("blog", "releases/b-1")]
    links += [link("blog", "releases/b-2"), link("wiki", None), link("other", "releases/c")]
    assert common_releases(links, ["shop", "blog", "wiki", "new"]) == {"shop": "a-1", "blog": "any"}

"""The filter common_releases."""

from ansible_collections.gatehouse.django.plugins.filter.common_releases import common_releases


def link(app, target):
    return {"item": app, "stat": {"exists": bool(target)} | ({"lnk_target": target} if target else {})}


def test_the_release_that_all_hosts_serve():
    links = [link("shop", "releases/a-1"), link("shop", "releases/a-1"), link("blog", "releases/b-1")]
    links += [link("blog", "releases/c-1"), link("wiki", None), link("other", "releases/c")]
    assert common_releases(links, ["shop", "blog", "wiki", "new"]) == {"shop": "a-1", "blog": "any"}


def test_a_host_without_a_link_counts_if_only_its_python_differs():
    def served(*releases):
        keys = ("name", "release", "configuration")
        return {"item": {"host": "web"}, "apps": [dict(zip(keys, one, strict=True)) for one in releases]}

    links, play = [link("shop", "releases/a-1")], served(("shop", "a-1", "c1"))
    assert common_releases(links, ["shop"], [play, served(("shop", "a-2", "c1"))]) == {"shop": "a-1+a-2"}
    # It was off during a deployment, and came back.
    assert common_releases(links, ["shop"], [play, served(("shop", "a-2", "c0"))]) == {"shop": "a-1"}
    assert common_releases(links, ["shop"], [play, served(("shop", "b-2", "c1")), {"failed": True}]) == {"shop": "a-1"}

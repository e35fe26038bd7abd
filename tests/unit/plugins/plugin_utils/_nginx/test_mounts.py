"""Several apps under one name: what is made of the option `mounts`, and what is refused."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatehouse.django.plugins.filter.apps_of_sites import apps_of_sites
from ansible_collections.gatehouse.django.plugins.filter.django_sites import FilterModule
from ansible_collections.gatehouse.django.plugins.filter.mount_prefix import mount_prefix
from ansible_collections.gatehouse.django.plugins.filter.sites_of_app import sites_of_app

django_sites = FilterModule().filters()["django_sites"]
HOME, SHOP = (f"http://unix:/srv/{app}/current/web.sock" for app in ("home", "shop"))


def site(name="www", **options):
    return {"name": name, "server_name": [f"{name}.example"]} | options


def locations(**options):
    (made,) = django_sites([site(**options)])
    return {location["path"]: location.get("alias") or location["proxy_pass"] for location in made["locations"]}


def refusal(*sites):
    with pytest.raises(AnsibleFilterError) as caught:
        django_sites(sites)
    return str(caught.value)


def test_a_mounted_app_has_its_files_below_its_prefix():
    assert locations(app="home", mounts={"/shop/": "shop"}) == {
        "/static/": "/srv/home/current/static/",
        "/shop/static/": "/srv/shop/current/static/",
        "/media/": "/srv/home/data/media/",
        "/shop/media/": "/srv/shop/data/media/",
        "/shop/": SHOP,
        "/": HOME,
    }


def test_a_site_can_consist_of_mounts():
    assert set(locations(mounts={"/shop/": "shop", "/a/b/": "home"})) == {
        *("/shop/static/", "/a/b/static/", "/shop/media/", "/a/b/media/", "/shop/", "/a/b/"),
    }


def test_a_mount_beside_an_upstream():
    made = locations(upstream="http://a:80", mounts={"/shop/": "shop"})
    assert (made["/"], made["/shop/"]) == ("http://a:80", SHOP)
    assert "/static/" not in made


def test_directories_below_a_prefix_replace_those_of_its_app_only():
    made = locations(app="home", mounts={"/shop/": "shop"}, static={"/shop/assets/": "/srv/assets/"}, media={})
    assert made == {
        "/static/": "/srv/home/current/static/",
        "/shop/assets/": "/srv/assets/",
        "/shop/media/": "/srv/shop/data/media/",
        "/shop/": SHOP,
        "/": HOME,
    }


def test_websockets_and_rules_belong_to_the_app_of_their_path():
    made = locations(
        app="home",
        mounts={"/shop/": "shop"},
        websocket_paths=["/shop/ws/", "/ws/", "/shopping/"],
        paths={"/shop/admin/": {"rate": "1r/s"}, "/admin/": {"rate": "1r/s"}},
    )
    assert [made[path] for path in ("/shop/ws/", "/ws/", "/shopping/")] == [SHOP, HOME, HOME]
    assert [made[path] for path in ("/shop/admin/", "/admin/")] == [SHOP, HOME]


def test_only_the_app_that_protected_files_belong_to_can_send_them():
    protected = {"/files/": "/srv/home/data/files/", "/shop/files/": "/srv/shop/data/files/"}
    (made,) = django_sites([site(app="home", mounts={"/shop/": "shop"}, protected_media=protected)])
    senders = {location["path"]: location["sent_by"] for location in made["locations"] if location.get("internal")}
    assert senders == {"/files/": HOME, "/shop/files/": SHOP}
    # A site of one application needs no such check.
    (made,) = django_sites([site(app="home", protected_media=protected)])
    assert not any("sent_by" in location for location in made["locations"])


def test_the_innermost_mount_gets_the_request():
    made = locations(mounts={"/a/": "home", "/a/b/": "shop"}, websocket_paths=["/a/b/ws/", "/a/ws/"])
    assert (made["/a/b/ws/"], made["/a/ws/"]) == (SHOP, HOME)


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        ({"/shop": "shop"}, "mounts '/shop' needs a slash at both ends: write '/shop/'"),
        ({"shop": "shop"}, "write '/shop/'"),
        ({"/": "shop"}, "mounts: '/' is the whole site: write `app: shop` instead"),
        ({"//": "shop"}, "mounts '//' is the whole site, not a path below it"),
        ({"/a b/": "shop"}, "mounts '/a b/' is no prefix"),
        ({"/.well-known/": "shop"}, "no '.' at its beginning"),
        ({"/a//b/": "shop"}, "is no prefix"),
        ({"/gatehouse-pages/": "shop"}, "is reserved"),
        ({"/shop/": "http://a"}, "mounts: 'http://a' at '/shop/' is not the name of an app: write `/shop/: shop`"),
        ({"/shop/": None}, "'None' at '/shop/' is not the name of an app"),
        ({"/static/": "shop"}, "mounts: '/static/' is below '/static/', where nginx sends files"),
        ({"/media/shop/": "shop"}, "mount the app at another prefix"),
        ({"/a/": "shop", "/a/static/b/": "blog"}, "mounts: '/a/static/b/' is below '/a/static/'"),
        ({"/a/": "shop", "/b/": "shop"}, "app 'shop' is served at '/a/' (site 'www') and at '/b/' (site 'www')"),
        ({"/a/": "home"}, "app 'home' is served at '/' (site 'www') and at '/a/' (site 'www')"),
    ],
)
def test_mounts_that_make_no_sense_are_refused(mounts, said):
    assert said in refusal(site(app="home", mounts=mounts))


@pytest.mark.parametrize(
    "option",
    [{"paths": {"/x/": {"rate": "1r/s"}}}, {"websocket_paths": ["/x/"]}, {"protected_media": {"/x/": "/srv/x/"}}],
)
def test_a_path_of_no_app_is_refused(option):
    said = refusal(site(mounts={"/shop/": "shop"}, **option))
    assert f"{next(iter(option))}: '/x/' is below none of the mounts (/shop/)" in said


def test_an_app_has_one_prefix_on_all_sites():
    assert len(django_sites([site("a", mounts={"/shop/": "shop"}), site("b", mounts={"/shop/": "shop"})])) == 2
    other = site("b", mounts={"/other/": "shop"})
    assert "at '/other/' (site 'b')" in refusal(site("a", mounts={"/shop/": "shop"}), other)
    assert django_sites([site("a", mounts={"/shop/": "shop"}), other | {"state": "absent"}])


def test_two_sites_of_one_name_are_refused_with_the_remedy():
    said = refusal(site("a", server_name=["x.example"], app="home"), site("b", server_name=["X.example"], app="shop"))
    assert "server_name 'x.example' is that of site 'a' and of site 'b' on port 80" in said
    assert "`mounts: {/shop/: shop}` in site 'a', and `state: absent` in site 'b'" in said
    # The remedy can be typed.
    kept = site("a", server_name=["x.example"], app="home", mounts={"/shop/": "shop"})
    assert django_sites([kept, {"name": "b", "state": "absent"}])


def test_an_app_is_mounted_at_the_site_of_an_upstream():
    said = refusal(
        site("b", server_name=["x.example"], app="shop"), site("a", server_name=["x.example"], upstream="http://a")
    )
    assert "`mounts: {/shop/: shop}` in site 'a'" in said


@pytest.mark.parametrize("option", [{"listen": ["8080"]}, {"state": "absent"}, {"upstream": "http://a", "app": None}])
def test_sites_that_do_not_meet_or_have_no_app_are_not_told_of_mounts(option):
    first = site("a", server_name=["x.example"], upstream="http://b")
    assert django_sites([first, site("b", server_name=["x.example"], app="shop") | option])


def test_the_prefix_of_an_app():
    sites = [site(app="home", mounts={"/shop/": "shop"}), site("b", state="absent", mounts={"/x/": "shop"}), "wrong"]
    assert [mount_prefix(sites, app) for app in ("home", "shop", "blog")] == ["", "/shop/", ""]
    with pytest.raises(AnsibleFilterError, match="deploy the project once more under another name"):
        mount_prefix([site(mounts={"/a/": "shop", "/b/": "shop"})], "shop")


def test_the_sites_of_an_app():
    sites = [site("a", app="home"), site("b", mounts={"/shop/": "shop"}), site("c", app="shop"), None]
    assert [found["name"] for found in sites_of_app(sites, "shop")] == ["b", "c"]
    assert sites_of_app(sites, "") == []


def test_the_apps_of_sites():
    served = site("a", app="home", mounts={"/shop/": "shop", "/x/": 7})
    sites = [served, site("b", app="home"), site("c", app="gone", state="absent"), site("d", mounts="wrong"), None]
    assert apps_of_sites(sites) == ["home", "shop"]

"""The module django_status: the apps of other hosts on a balancer."""

from types import SimpleNamespace

from ansible_collections.gatehouse.django.plugins.modules import django_status as module


def test_a_balancer_has_the_sites_of_apps_on_other_hosts(monkeypatch):
    monkeypatch.setattr(module, "describe_site", lambda site: site.site)
    sites = [SimpleNamespace(app=app, site=f"{app}.test") for app in ("wiki", "shop", "own")]
    names = [{"name": "shop", "sites": ["shop.test"]}, {"name": "wiki", "sites": ["wiki.test"]}]
    assert module.balanced(sites, ["own"], None) == names
    assert module.balanced(sites, ["own"], "shop") == names[:1]
    assert module.balanced(sites, ["own"], "other") == []

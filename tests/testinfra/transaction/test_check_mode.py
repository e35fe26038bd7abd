"""Check mode asks nginx about the whole candidate, shows what would change, and leaves no trace."""

from helpers.module import call


def test_check_mode_shows_the_change_and_makes_none(host, site, snapshot):
    before = snapshot()
    checked = call(host, "nginx_config", check=True, sites=[site])
    assert snapshot() == before
    assert (checked["changed"], checked["validated"], checked["reloaded"]) == (True, "isolated", False)
    assert "+++ after: /etc/nginx/gatehouse/live/sites/extra.conf" in checked["printed"]
    assert "+    server_name extra.example.test;" in checked["printed"]


def test_check_mode_with_nginx_stopped_leaves_no_trace(host, site, snapshot):
    host.check_output("systemctl stop nginx")
    try:
        find = "find /etc/nginx /run/nginx.pid /var/log/nginx /var/lib/nginx -printf '%p %y %m %u %s %T@ %l\n' 2>&1"
        before = host.run(find).stdout
        checked = call(host, "nginx_config", check=True, sites=[site])
        assert (checked["changed"], checked["validated"]) == (True, "isolated")
        assert host.run(find).stdout == before
        assert not host.file("/run/nginx.pid").exists
    finally:
        host.check_output("systemctl start nginx")


def test_check_mode_refuses_what_nginx_refuses(host, site, snapshot):
    before = snapshot()
    checked = call(host, "nginx_config", check=True, sites=[site | {"snippet": "no_such_directive on;"}])
    assert 'unknown directive "no_such_directive"' in checked["msg"]
    assert snapshot() == before


def test_check_mode_says_nothing_changes_where_nothing_does(host, publish, site):
    publish(site)
    assert call(host, "nginx_config", check=True, sites=[site])["changed"] is False

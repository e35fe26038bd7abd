"""Sites come, stay and go, each with its own call."""

from helpers.http import Visitor, raw


def test_a_site_is_published_beside_the_others(publish, site, extra, guestbook):
    published = publish(site)
    assert (published["changed"], published["reloaded"], published["validated"]) == (True, True, "isolated")
    assert {"extra", "guestbook", "wagtailsite"} <= set(published["sites"])
    assert extra.get("/word").text == "extra"
    assert guestbook.get("/").status == 200


def test_the_second_call_changes_nothing(publish, site, host):
    publish(site)
    workers = host.check_output("pgrep --full '[n]ginx: worker'")
    again = publish(site)
    assert (again["changed"], again["reloaded"], again["validated"]) == (False, False, "unchanged")
    assert host.check_output("pgrep --full '[n]ginx: worker'") == workers


def test_an_absent_site_is_gone_and_the_others_stay(publish, site, extra, guestbook, host):
    before = host.check_output("cat /etc/nginx/gatehouse/live/sites/*.conf")
    publish(site)
    removed = publish({"name": "extra", "state": "absent"})
    assert removed["changed"]
    assert not host.file("/etc/nginx/gatehouse/live/sites/extra.conf").exists
    assert host.check_output("cat /etc/nginx/gatehouse/live/sites/*.conf") == before
    assert guestbook.get("/").status == 200


def test_purge_makes_the_list_the_whole_truth(publish, site, extra, host):
    purged = publish(site, purge=True)
    assert purged["sites"] == ["extra"]
    assert host.file("/etc/nginx/gatehouse/live/sites").listdir() == ["extra.conf"]
    assert extra.get("/word").text == "extra"


def test_old_generations_are_kept_but_not_all_of_them(publish, site, host):
    for number in range(12):
        publish(site | {"client_max_body_size": f"{number + 1}m"})
    kept = host.file("/etc/nginx/gatehouse/generations").listdir()
    assert len(kept) == 10
    live = host.file("/etc/nginx/gatehouse/live").linked_to.rpartition("/")[2]
    assert live == max(kept, key=int)


def test_a_port_that_clients_do_not_imply_reaches_django(publish, site, address):
    django = [{"path": "/", "proxy_pass": "http://unix:/srv/guestbook/current/web.sock"}]
    publish(site | {"server_name": ["guestbook.example.test"], "listen": ["8080"], "locations": django})
    seen = Visitor(address, "guestbook.example.test", port=8080).get("/whoami").json()
    assert (seen["host"], seen["absolute"]) == ("guestbook.example.test:8080", "http://guestbook.example.test:8080/")
    # Unknown names are refused on the new port, too.
    assert raw(address, b"GET / HTTP/1.1\r\nHost: unknown.example.test\r\n\r\n", port=8080) == b""

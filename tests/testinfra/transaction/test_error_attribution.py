"""A refusal names the file and line that nginx rejects, and a change that repairs the configuration is applied."""

from helpers.hosts import eventually
from helpers.sites import SHOP, answers
from helpers.sites import extra as site
from helpers.states import ANOTHER, file_of_another_owner, write

# An upstream that the site extra brings.
NEEDS_EXTRA = "    location / { proxy_pass http://gatehouse_extra; }"


def server(name, *directives):
    return "\n".join(["# Mine.", "server {", "    listen 80;", f"    server_name {name};", *directives, "}", ""])


def test_another_file_was_broken_before(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test", "    no_such_directive on;")):
        message = refuse(site())
    assert 'unknown directive "no_such_directive"' in message
    assert "was already broken before this change" in message
    assert f"{ANOTHER}:5" in message
    assert "site 'extra'" not in message


def test_an_error_of_a_site_is_not_attributed_to_another_file(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test")):
        message = refuse(site(snippet="no_such_directive on;"))
    assert "was already broken before" not in message
    assert "site 'extra'" in message
    assert ANOTHER not in message


def test_a_missing_file_is_attributed_to_the_file_that_names_it(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test", "    include /no/such.conf;")):
        message = refuse(site())
    assert 'open() "/no/such.conf" failed' in message
    assert "was already broken before this change" in message
    assert f"{ANOTHER}:5" in message


def test_removing_a_site_that_another_file_needs_is_refused(driver, refuse, extra):
    """What breaks is in their file, but it was right before."""
    driver.publish(site())
    with file_of_another_owner(driver, server("another.example.test", NEEDS_EXTRA)):
        message = refuse({"name": "extra", "state": "absent"})
    assert "was already broken before" not in message
    assert f"{ANOTHER}:5" in message
    assert extra.get("/word").text == "extra"


def test_a_site_that_repairs_the_configuration_is_applied(driver, extra):
    with file_of_another_owner(driver, server("another.example.test", NEEDS_EXTRA)):
        assert "was already broken before this change" in driver.publish(SHOP | {"client_max_body_size": "9m"})["msg"]
        landed = driver.publish(site())
        assert not landed["failed"], landed["msg"]
        assert landed["reloaded"]
        assert extra.get("/word").text == "extra"


def test_an_http_snippet_that_repairs_the_configuration_is_applied(driver, extra):
    zone = "limit_conn_zone $binary_remote_addr zone=of_ours:1m;"
    with file_of_another_owner(driver, server("another.example.test", "    limit_conn of_ours 9;")):
        assert "was already broken before this change" in driver.publish(site())["msg"]
        landed = driver.publish(site(), nginx_conf={"manage": "always", "http_snippet": zone})
        assert not landed["failed"], landed["msg"]
        assert landed["reloaded"]
        assert extra.get("/word").text == "extra"
    assert not driver.publish(nginx_conf={"manage": "always"})["failed"]


def test_the_next_run_repairs_a_live_generation_that_nginx_refuses(driver, extra):
    driver.publish(site())
    write(driver, "/etc/nginx/gatehouse/live/sites/extra.conf", "server { no_such_directive on;")
    repaired = driver.publish(site())
    assert not repaired["failed"], repaired["msg"]
    assert repaired["changed"]
    assert extra.get("/word").text == "extra"


def test_the_next_run_replaces_a_live_generation_that_was_edited(driver, extra):
    driver.publish(site())
    driver.shell("sed -i 's/200 .extra/&-edited/' /etc/nginx/gatehouse/live/sites/extra.conf; systemctl reload nginx")
    eventually(lambda: extra.get("/word").text == "extra-edited")
    assert driver.publish(site())["changed"]
    assert extra.get("/word").text == "extra"


def test_a_name_in_a_site_and_another_file_names_both(driver, refuse):
    with file_of_another_owner(driver, server("EXTRA.example.test other.example.test")) as path:
        message = refuse(site())
    for word in ("extra.example.test", "site extra", f"{path}:4"):
        assert word in message


def test_a_name_in_two_other_files_is_not_an_error(driver, extra):
    """nginx only warns of it, and it has nothing to do with us."""
    twice = server("twice.example.test") + server("twice.example.test")
    with file_of_another_owner(driver, twice):
        published = driver.publish(site())
    assert not published["failed"], published["msg"]
    assert extra.get("/word").text == "extra"


def test_an_error_is_attributed_to_the_right_one_of_two_sites(driver, refuse):
    message = refuse(SHOP | {"snippet": answers("fine")}, site(snippet="\n\nno_such_directive on;"))
    assert "site 'extra'" in message
    assert "site 'shop'" not in message

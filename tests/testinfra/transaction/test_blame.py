"""Who has broken it: the message names the file and line of whoever it was, and what mends the tree may land."""

from helpers.hosts import eventually
from helpers.sites import SHOP, answers
from helpers.sites import extra as site
from helpers.states import ANOTHER, file_of_another_owner, write

# An upstream that the site extra brings.
NEEDS_EXTRA = "    location / { proxy_pass http://gatehouse_extra; }"


def server(name, *directives):
    return "\n".join(["# Mine.", "server {", "    listen 80;", f"    server_name {name};", *directives, "}", ""])


def test_a_file_of_another_owner_that_was_broken_before(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test", "    no_such_directive on;")):
        message = refuse(site())
    assert 'unknown directive "no_such_directive"' in message
    assert "was already broken before this change" in message
    assert f"{ANOTHER}:5" in message
    assert "site 'extra'" not in message


def test_nothing_of_another_owner_is_blamed_for_a_site_of_ours(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test")):
        message = refuse(site(snippet="no_such_directive on;"))
    assert "was already broken before" not in message
    assert "site 'extra'" in message
    assert ANOTHER not in message


def test_a_missing_file_of_another_owner_is_theirs(driver, refuse):
    with file_of_another_owner(driver, server("another.example.test", "    include /no/such.conf;")):
        message = refuse(site())
    assert 'open() "/no/such.conf" failed' in message
    assert "was already broken before this change" in message
    assert f"{ANOTHER}:5" in message


def test_removing_a_site_that_another_owners_file_needs_is_refused(driver, refuse, extra):
    """What breaks is in their file, but it was right before."""
    driver.publish(site())
    with file_of_another_owner(driver, server("another.example.test", NEEDS_EXTRA)):
        message = refuse({"name": "extra", "state": "absent"})
    assert "was already broken before" not in message
    assert f"{ANOTHER}:5" in message
    assert extra.get("/word").text == "extra"


def test_a_site_that_makes_the_tree_valid_again_lands(driver, extra):
    with file_of_another_owner(driver, server("another.example.test", NEEDS_EXTRA)):
        assert "was already broken before this change" in driver.publish(SHOP | {"client_max_body_size": "9m"})["msg"]
        landed = driver.publish(site())
        assert not landed["failed"], landed["msg"]
        assert landed["reloaded"]
        assert extra.get("/word").text == "extra"


def test_an_http_snippet_that_makes_the_tree_valid_again_lands(driver, extra):
    zone = "limit_conn_zone $binary_remote_addr zone=of_ours:1m;"
    with file_of_another_owner(driver, server("another.example.test", "    limit_conn of_ours 9;")):
        assert "was already broken before this change" in driver.publish(site())["msg"]
        landed = driver.publish(site(), nginx_conf={"manage": "always", "http_snippet": zone})
        assert not landed["failed"], landed["msg"]
        assert landed["reloaded"]
        assert extra.get("/word").text == "extra"
    assert not driver.publish(nginx_conf={"manage": "always"})["failed"]


def test_a_live_generation_edited_into_nonsense_is_repaired_by_the_next_run(driver, extra):
    driver.publish(site())
    write(driver, "/etc/nginx/gatehouse/live/sites/extra.conf", "server { no_such_directive on;")
    repaired = driver.publish(site())
    assert not repaired["failed"], repaired["msg"]
    assert repaired["changed"]
    assert extra.get("/word").text == "extra"


def test_a_live_generation_edited_by_hand_is_put_right_by_the_next_run(driver, extra):
    driver.publish(site())
    driver.shell("sed -i 's/200 .extra/&-edited/' /etc/nginx/gatehouse/live/sites/extra.conf; systemctl reload nginx")
    eventually(lambda: extra.get("/word").text == "extra-edited")
    assert driver.publish(site())["changed"]
    assert extra.get("/word").text == "extra"


def test_a_name_of_two_owners_names_both(driver, refuse):
    with file_of_another_owner(driver, server("EXTRA.example.test other.example.test")) as path:
        message = refuse(site())
    for word in ("extra.example.test", "site extra", f"{path}:4"):
        assert word in message


def test_a_name_of_two_owners_that_are_none_of_ours_is_theirs(driver, extra):
    """nginx only warns of it, and it has nothing to do with us."""
    twice = server("twice.example.test") + server("twice.example.test")
    with file_of_another_owner(driver, twice):
        published = driver.publish(site())
    assert not published["failed"], published["msg"]
    assert extra.get("/word").text == "extra"


def test_a_snippet_that_uses_what_the_shop_lacks_blames_the_right_one_of_two(driver, refuse):
    message = refuse(SHOP | {"snippet": answers("fine")}, site(snippet="\n\nno_such_directive on;"))
    assert "site 'extra'" in message
    assert "site 'shop'" not in message

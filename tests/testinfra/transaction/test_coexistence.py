"""Sites beside an nginx.conf of Gatehouse, Debian, nginx.org or the operator."""

import pytest
from helpers.http import Visitor
from helpers.layouts import NGINX_ORG, NGINX_ORG_DEFAULT, NO_INCLUDE, debian
from helpers.sites import SHOP
from helpers.sites import extra as site
from helpers.states import configuration, file_of_another_owner, write

CONF = "/etc/nginx/nginx.conf"


def read(driver, path):
    return bytes.fromhex(driver.shell(f"od -An -v -tx1 {path}"))


@pytest.fixture(params=["Debian", "nginx.org"])
def theirs(request, driver):
    """A host with the layout of one of the packages; its nginx.conf."""
    text, files = (debian(driver), {}) if request.param == "Debian" else (NGINX_ORG, {"default": NGINX_ORG_DEFAULT})
    with configuration(driver, text, **files):
        yield text.encode()


def test_a_site_is_served_without_managing_nginx_conf(driver, theirs, extra):
    published = driver.publish(SHOP, site())
    assert (published["owns_nginx_conf"], published["reloaded"]) == (False, True)
    assert read(driver, CONF) == theirs
    assert extra.get("/word").text == "extra"


def test_an_unknown_name_gets_the_existing_default_server(driver, theirs, address):
    nobody = Visitor(address, "nobody.example.test")
    before = nobody.get("/").body
    driver.publish(SHOP, site())
    assert nobody.get("/").body == before


def test_nginx_conf_is_replaced_and_restored_byte_for_byte(driver, theirs, extra, shop):
    driver.publish(SHOP, site())
    assert driver.publish(nginx_conf={"manage": "always"})["owns_nginx_conf"]
    assert read(driver, CONF) != theirs
    assert extra.get("/word").text == "extra"
    assert driver.ask("configuration")["dump"].count("server_name extra.example.test;") == 1
    assert driver.publish(nginx_conf={"manage": "always"})["changed"] is False
    assert driver.publish(nginx_conf={"manage": "never"})["owns_nginx_conf"] is False
    assert read(driver, CONF) == theirs
    assert extra.get("/word").text == "extra"
    assert shop.get("/").status == 200
    assert driver.publish(nginx_conf={"manage": "never"})["changed"] is False


def test_nginx_conf_is_replaced_with_the_first_site(driver, theirs, extra):
    published = driver.publish(SHOP, site(), nginx_conf={"manage": "always"})
    assert published["owns_nginx_conf"]
    assert extra.get("/word").text == "extra"
    assert driver.ask("configuration")["dump"].count("server_name extra.example.test;") == 1


def test_a_refused_change_leaves_the_original_nginx_conf(driver, theirs, shop):
    driver.publish(SHOP)
    before = driver.shell("find /etc/nginx | sort")
    assert driver.publish(nginx_conf={"manage": "always", "http_snippet": "no_such_directive on;"})["failed"]
    assert read(driver, CONF) == theirs
    assert driver.shell("find /etc/nginx | sort") == before
    assert shop.get("/").status == 200


def test_nginx_conf_is_restored_with_mode_and_owner(driver, theirs):
    driver.shell(f"chmod 640 {CONF}; chown root:adm {CONF}")
    driver.publish(SHOP, nginx_conf={"manage": "always"})
    driver.publish(nginx_conf={"manage": "never"})
    assert driver.shell(f"stat --format='%a %U:%G' {CONF}") == "640 root:adm"


def test_the_message_names_the_include_that_nginx_conf_lacks(driver, address):
    line = "include /etc/nginx/conf.d/*.conf;"
    visitor = Visitor(address, "theirs.example.test")
    with configuration(driver, NO_INCLUDE):
        before = driver.shell("find /etc/nginx | sort")
        refused = driver.publish(SHOP)
        assert refused["failed"]
        for word in (line, CONF, "http block"):
            assert word in refused["msg"]
        assert driver.shell("find /etc/nginx | sort") == before
        assert visitor.get("/").text == "theirs"
        # It is true.
        write(driver, CONF, NO_INCLUDE.replace("http {", f"http {{\n    {line}"))
        assert driver.publish(SHOP)["reloaded"]
        assert visitor.get("/").text == "theirs"


def test_an_include_in_another_place_does_not_count(driver):
    """In a comment, in another block, or for other names."""
    looks = [
        NO_INCLUDE.replace("http {", "http {\n    # include /etc/nginx/conf.d/*.conf;"),
        NO_INCLUDE.replace("events {", "include /etc/nginx/modules-enabled/*.conf;\nevents {"),
        NO_INCLUDE.replace("return 200", "include /etc/nginx/conf.d/*.conf;\n        return 200"),
        NO_INCLUDE.replace("http {", "http {\n    include /etc/nginx/conf.d/a-*.conf;"),
    ]
    for text in looks:
        with configuration(driver, text):
            refused = driver.publish(SHOP)
        assert refused["failed"], text
        assert "include /etc/nginx/conf.d/*.conf;" in refused["msg"]


@pytest.mark.parametrize("manage", ["never", "always"])
def test_bytes_that_are_not_utf_8_stay_as_they_are(driver, shop, manage):
    latin = b"# Caf\xe9, gr\xfc\xdfe.\n" + NGINX_ORG.encode()
    with configuration(driver, latin):
        published = driver.publish(SHOP, nginx_conf={"manage": manage})
        assert not published["failed"], published["msg"]
        assert shop.get("/").status == 200
        driver.publish(nginx_conf={"manage": "never"})
        assert read(driver, CONF) == latin


def test_an_nginx_conf_that_is_a_link_stays_one(driver, shop):
    with configuration(driver, NGINX_ORG):
        driver.shell(f"mv {CONF} /etc/nginx/main.conf; ln -s main.conf {CONF}")
        driver.publish(SHOP, nginx_conf={"manage": "always"})
        driver.publish(nginx_conf={"manage": "never"})
        assert driver.shell(f"readlink {CONF}") == "main.conf"
        assert read(driver, "/etc/nginx/main.conf") == NGINX_ORG.encode()
        assert shop.get("/").status == 200


def test_a_server_of_another_file_without_the_proxy_protocol_is_named(driver, shop):
    """nginx would expect it of the other server's connections as well, and Debian 12's does not even warn."""
    behind = {"addresses": ["192.0.2.1"], "proxy_protocol": True}
    text = "# Mine.\nserver { listen 8077; server_name mine.example.test; }\n"
    with file_of_another_owner(driver, text) as path:
        refused = driver.publish(site(listen=["8077"], behind=behind))
        assert refused["failed"]
        assert f"{path}:2 listens there without it" in refused["msg"]
        assert "The live configuration is as it was." in refused["msg"]
    assert not driver.publish(site(listen=["8077"], behind=behind))["failed"]
    assert shop.get("/").status == 200

"""Which option or file an error of nginx is attributed to."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import error_attribution
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation

SHOP = """\
# Site shop

upstream gatehouse_shop {
    server shop.invalid:8000 max_fails=0;
}

server {
    listen 8080;
    server_name shop.example.com;
    client_max_body_size 20m;

    rewrite_typo on;

    location /static/ {
        alias /srv/shop/;
        no_such_directive;
        }
    }

    location / {
        proxy_pass http://gatehouse_shop;
        proxy_read_timeout 1h;
    }
}
"""
CANDIDATE = Generation(
    3, {"sites/shop.conf": SHOP}, True, {"shop": {"listen": ["8080"], "server_name": ["Shop.example.com"]}}
)


def origin(line):
    return error_attribution.origin(line, "/etc/nginx", CANDIDATE)


@pytest.mark.parametrize(
    ("number", "option"),
    [
        (4, "option 'proxy_pass'"),
        (8, "option 'listen'"),
        (10, "option 'client_max_body_size'"),
        (12, "option 'snippet'"),
        (14, "option 'path' of location '/static/'"),
        (15, "option 'alias' of location '/static/'"),
        (16, "option 'snippet' of location '/static/'"),
        (22, "option 'proxy_read_timeout' of location '/'"),
        (24, "option 'snippet'"),
    ],
)
def test_a_line_of_a_site_is_attributed_to_an_option(number, option):
    line = f"[emerg] something in /etc/nginx/gatehouse/live/sites/shop.conf:{number}"
    assert origin(line) == f"This comes from site 'shop', {option}."


def test_a_directive_of_a_snippet_is_not_attributed_to_an_option_of_its_name():
    snippet = "# Option 'snippet':\n    client_max_body_size 1m;\n    # End of option 'snippet'."
    candidate = Generation(3, {"sites/shop.conf": SHOP.replace("rewrite_typo on;", snippet)})
    line = "[emerg] directive is duplicate in /etc/nginx/gatehouse/live/sites/shop.conf:"
    said = {number: error_attribution.origin(f"{line}{number}", "/etc/nginx", candidate) for number in (10, 13, 17)}
    assert said == {
        10: "This comes from site 'shop', option 'client_max_body_size'.",
        13: "This comes from site 'shop', option 'snippet'.",
        17: "This comes from site 'shop', option 'alias' of location '/static/'.",
    }


def test_the_file_of_another_owner():
    line = "[emerg] unexpected end of file in /etc/nginx/conf.d/old.conf:3"
    assert origin(line) == ("Gatehouse does not manage /etc/nginx/conf.d/old.conf: correct line 3 there.")


def test_our_nginx_conf():
    line = "[emerg] unknown directive in /etc/nginx/gatehouse/live/nginx.conf:30"
    assert origin(line) == "This comes from nginx_conf, option 'http_snippet'."


def test_a_message_with_only_a_path_is_attributed_to_the_line_with_that_path():
    line = '[emerg] cannot load certificate "/etc/no/such.pem": BIO_new_file() failed'
    assert origin(line) == ""
    snippet = SHOP.replace("rewrite_typo on;", "ssl_certificate /etc/no/such.pem;")
    candidate = Generation(3, {"sites/shop.conf": snippet})
    assert error_attribution.origin(line, "/etc/nginx", candidate) == "This comes from site 'shop', option 'snippet'."


def test_a_zone_that_nothing_defines_is_attributed_to_the_line_that_uses_it():
    line = '[emerg] zero size shared memory zone "foo"'
    assert origin(line) == ""
    for used in ("limit_req burst=5 zone=foo;", "limit_conn foo 5;", "proxy_cache foo;"):
        snippet = f"# Option 'snippet':\n    {used}\n    # End of option 'snippet'."
        candidate = Generation(3, {"sites/shop.conf": SHOP.replace("rewrite_typo on;", snippet)})
        told = error_attribution.origin(line, "/etc/nginx", candidate)
        assert told.startswith("This comes from site 'shop', option 'snippet'. Define the zone in nginx_conf")


def test_a_port_is_attributed_to_its_site():
    line = "[emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)"
    assert origin(line) == "Port 8080 comes from option 'listen' of site shop."
    assert origin(line.replace("8080", "81")) == ""


def test_conflicts_are_those_of_our_names():
    lines = [
        '[warn] conflicting server name "shop.example.com" on 0.0.0.0:80, ignored',
        "[warn] other",
        '[warn] conflicting server name "theirs.example.com" on 0.0.0.0:80, ignored',
    ]
    assert error_attribution.conflicting_names(lines, CANDIDATE) == ["shop.example.com"]


def test_a_name_conflict_names_both_places():
    dump = """\
# configuration file /etc/nginx/nginx.conf:
http {}

# configuration file /etc/nginx/conf.d/old.conf:
server {
    # server_name shop.example.com;
    server_name
        other.example.com "shop.example.com";
}

# configuration file /etc/nginx/gatehouse/live/sites/shop.conf:
server_name shop.example.com;
"""
    sentence = error_attribution.name_conflict("shop.example.com", dump, "/etc/nginx", CANDIDATE)
    assert sentence.startswith(
        "server_name shop.example.com of site shop is already served by /etc/nginx/conf.d/old.conf:3"
    )

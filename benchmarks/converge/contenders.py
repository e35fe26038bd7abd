"""Who is compared, what each of them is told, and what one measurement is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FLOOR = "empty play"
OURS = "gatehouse.django.nginx_config"
# What its action plugin runs on the host, in this order.
MODULES = ("nginx_config, asked for facts", "nginx_config, given the files")
STEPS = ("first run", "no change", "one site changed")
UPSTREAM = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Site:
    """A site with static files and an application."""

    name: str
    server_name: str
    static: str


def sites(count: int, changed: bool) -> list[Site]:
    """What is to be published; what changes is the last site's directory."""
    old = [Site(f"site-{number:04}", server_name(number), "/opt/bench/www/old/") for number in range(1, count)]
    last = "/opt/bench/www/new/" if changed else "/opt/bench/www/old/"
    return [*old, Site(f"site-{count:04}", server_name(count), last)]


def server_name(number: int) -> str:
    return f"site-{number:04}.example.test"


def our_variables(wanted: list[Site]) -> dict[str, Any]:
    """The option `sites` of nginx_config; the plain template takes the same."""
    return {
        "bench_sites": [
            {
                "name": site.name,
                "server_name": [site.server_name],
                "locations": [{"path": "/static/", "alias": site.static}, {"path": "/", "proxy_pass": UPSTREAM}],
            }
            for site in wanted
        ]
    }


def nginx_role_variables(wanted: list[Site]) -> dict[str, Any]:
    """As the role's documentation has them."""
    return {
        "nginx_config_http_template_enable": True,
        "nginx_config_http_template": [
            {
                "template_file": "http/default.conf.j2",
                "deployment_location": f"/etc/nginx/conf.d/{site.name}.conf",
                "config": {
                    "servers": [
                        {
                            "core": {"listen": [{"port": 80}], "server_name": site.server_name},
                            "log": {"access": [{"path": f"/var/log/nginx/{site.name}.access.log"}]},
                            "locations": [
                                {"location": "/static/", "core": {"alias": site.static}},
                                {"location": "/", "proxy": {"pass": UPSTREAM}},
                            ],
                        }
                    ]
                },
            }
            for site in wanted
        ],
    }


def geerlingguy_variables(wanted: list[Site]) -> dict[str, Any]:
    """As the role's documentation has them."""
    return {
        "nginx_vhosts": [
            {
                "server_name": site.server_name,
                "access_log": f"/var/log/nginx/{site.name}.access.log",
                "extra_parameters": f"location /static/ {{ alias {site.static}; }}\n"
                f"location / {{ proxy_pass {UPSTREAM}; }}\n",
            }
            for site in wanted
        ]
    }


@dataclass(frozen=True)
class Contender:
    """One way to publish sites. *role* is the checkout of a role that is not ours, empty where none is given."""

    title: str
    playbook: str
    variables: Callable[[list[Site]], dict[str, Any]] = our_variables
    role: str | None = None
    largest: int = sys.maxsize


@dataclass(frozen=True)
class Sample:
    """One run of ansible-playbook, and how often nginx tested its configuration and reloaded it meanwhile."""

    contender: str
    sites: int
    step: str
    seconds: float
    tests: int
    reloads: int


def contenders(full: bool) -> list[Contender]:
    """All of them; what calls modules for each site stops at 100 sites unless everything is wanted."""
    largest = sys.maxsize if full else 100
    nginx_role, geerlingguy = (os.environ.get(name, "") for name in ("NGINX_ROLE", "GEERLINGGUY"))
    return [
        Contender(FLOOR, "empty"),
        Contender(OURS, "gatehouse"),
        Contender("template loop", "template_loop", largest=largest),
        Contender("nginx organisation's role", "role", nginx_role_variables, nginx_role, largest),
        Contender("geerlingguy.nginx", "role", geerlingguy_variables, geerlingguy, largest),
    ]

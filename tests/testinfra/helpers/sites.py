"""The sites of the scenario `transaction`: `shop` is always there, `extra` is a test's own."""

import yaml

from .play import REPOSITORY

SHOP = yaml.safe_load((REPOSITORY / "molecule/transaction/inventory/group_vars/all.yml").read_text())["lab_shop"]


def answers(word):
    """A snippet with which a site answers /word."""
    return f'location = /word {{ default_type text/plain; return 200 "{word}"; }}'


def extra(word="extra", **changes):
    """The options of a right site that answers with a word of its own."""
    right = {
        "name": "extra",
        "server_name": ["extra.example.test"],
        "locations": [{"path": "/", "proxy_pass": "http://127.0.0.1:8000"}],
        "snippet": answers(word),
    }
    return right | changes


def numbered(number):
    """One of many sites."""
    name = f"site-{number:02}"
    return extra(name, name=name, server_name=[f"{name}.example.test"])

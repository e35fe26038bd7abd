"""Whether to take the long form of a test: `make test-long`."""

import os

LONG = os.environ.get("GATEHOUSE_LONG") == "1"


def share_out(config, items, *files):
    """In the short form, each test of these files runs on one of the hosts, in turns."""
    hosts = config.option.hosts.split(",")
    turns, elsewhere = {}, []
    for item in items:
        if item.path.name in files and not LONG:
            where = next(host for host in hosts if host in item.name)
            turn = turns.setdefault(item.name.replace(where, ""), len(turns))
            if where != hosts[turn % len(hosts)]:
                elsewhere.append(item)
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


def take_one_host(config, items, hosts):
    """In the short form, all tests of a file run on one host; *hosts* has the end of its name by the file's name."""
    elsewhere = []
    if not LONG and "," in config.option.hosts:
        elsewhere = [item for item in items if f"-{hosts.get(item.path.name, '')}" not in item.name]
        items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)

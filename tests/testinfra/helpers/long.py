"""Whether to take the long form of a test: `make test-long`."""

import os

LONG = os.environ.get("GATEHOUSE_LONG") == "1"


def share_out(config, items, *files):
    """In the short form, each test of these files runs on one of the hosts, in turns."""
    share_out_each(config, items, lambda item: item.path.name in files)


def share_out_each(config, items, is_shared):
    """In the short form, each test for which is_shared(item) runs on one of the hosts, in turns."""
    hosts, turns, elsewhere = config.option.hosts.split(","), {}, []
    if LONG or len(hosts) == 1:
        return
    for item in items:
        if is_shared(item):
            where = host_of(item)
            turn = turns.setdefault(item.name.replace(where, ""), len(turns))
            if where != hosts[turn % len(hosts)]:
                elsewhere.append(item)
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


def take_long_tests(config, items):
    """Leave out the tests that are marked as long in the short form."""
    elsewhere = [item for item in items if item.get_closest_marker("long") and not LONG]
    items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)


def host_of(item):
    """The name of the host that a test is for, as --hosts has it."""
    return next(host for host in item.config.option.hosts.split(",") if host in item.name)


def take_one_host(config, items, hosts):
    """In the short form, all tests of a file run on one host; *hosts* has the end of its name by the file's name."""
    elsewhere = []
    if not LONG and "," in config.option.hosts:
        elsewhere = [item for item in items if f"-{hosts.get(item.path.name, '')}" not in item.name]
        items[:] = [item for item in items if item not in elsewhere]
    config.hook.pytest_deselected(items=elsewhere)

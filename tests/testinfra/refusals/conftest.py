"""Each bad input is given to one of the hosts, in turns; in the long form to each."""

import pytest
from helpers.long import host_of, share_out_each


def pytest_collection_modifyitems(config, items):
    share_out_each(config, items, lambda item: "case" in item.fixturenames)


@pytest.fixture(scope="session")
def dealt(request):
    """The cases that each host gets, by its name in the inventory."""
    cases = {host: [] for host in request.config.option.hosts.split(",")}
    for item in request.session.items:
        if "case" in item.fixturenames:
            cases[host_of(item)].append(item.callspec.params["case"])
    return {host.rpartition("/")[2]: given for host, given in cases.items()}

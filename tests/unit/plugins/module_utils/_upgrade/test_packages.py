"""The packages of the next version, and extensions that it does not have."""

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._upgrade import packages

INSTALLED = """installed postgresql-15
installed postgresql-client-15
installed postgresql-15-postgis-3
installed postgresql-15-own
config-files postgresql-15-cron
installed postgresql-doc-15
installed postgresql-common
installed nginx
"""
POLICY = """{}:
  Installed: (none)
  Candidate: {}
  Version table:
"""


@pytest.fixture
def apt(monkeypatch):
    def run(argv, **_more):
        if argv[0] == "dpkg-query" and "--show" in argv:
            return 0, INSTALLED, ""
        if argv[:2] == ["apt-cache", "policy"]:
            return 0, "".join(POLICY.format(name, "(none)" if "own" in name else "17.1") for name in argv[2:]), ""
        if argv[:2] == ["apt-cache", "show"]:
            return 0, "Package: postgresql\nVersion: 17+278\nDepends: postgresql-17\n", ""
        owners = {"postgis": "postgresql-15-postgis-3", "own": "postgresql-15-own", "adminpack": "postgresql-15"}
        name = argv[-1].rpartition("/")[2].removesuffix(".control")
        return (0, f"{owners[name]}: {argv[-1]}\n", "") if name in owners else (1, "", "no path found")

    monkeypatch.setattr(packages, "run_bounded", run)
    # All of version 17 but the server itself are still to be installed.
    monkeypatch.setattr(packages, "missing", lambda names: [name for name in names if name != "postgresql-17"])


def test_the_version_of_the_distribution(apt):
    assert packages.distribution() == "17"


def test_each_package_that_apt_has(apt):
    assert packages.needed("15", "17") == ["postgresql-17", "postgresql-client-17", "postgresql-17-postgis-3"]


def test_an_extension_that_the_next_version_lacks(apt, monkeypatch):
    monkeypatch.setattr(packages.os.path, "exists", lambda path: "/17/" in path and "pg_trgm" in path)
    used = {"shop": ["pg_trgm", "postgis", "own"], "blog": ["adminpack", "own"]}
    found = packages.lacking("15", "17", used, packages.needed("15", "17"))
    assert [text.partition(" does not exist")[0] for text in found] == [
        "extension 'adminpack' (database blog)",
        "extension 'own' (database shop, blog)",
    ]

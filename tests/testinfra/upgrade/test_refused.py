"""What an operator is told before anything is changed, and what a rehearsal finds."""

import pytest
from helpers.module import call
from upgrades import NEW, OLD

# A unique index that has accepted a value twice, as one can after its order has changed.
TWICE = """
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'names_name_key'::regclass;
INSERT INTO names (name, plain) SELECT name, 'twice' FROM names WHERE id = 7;
UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = 'names_name_key'::regclass
"""
ONCE = "DELETE FROM names WHERE plain = 'twice'"


@pytest.fixture
def twice(upgrade):
    upgrade.sql(TWICE)
    yield
    upgrade.sql(ONCE)
    upgrade.sql("REINDEX TABLE names")


def test_it_says_what_it_would_do_and_stops(upgrade):
    before = upgrade.rows()
    played = upgrade.play()
    assert f"add -e confirm={upgrade.name}. To try it on a copy first" in played.refusal
    for text in (
        "database ledger: UTF8, C.UTF-8, extensions pg_trgm",
        "database german: its indexes on text may be in the wrong order",
        f"would upgrade it to {NEW}, and keep {OLD} stopped",
        "app ledger is stopped meanwhile",
    ):
        assert text in played.output
    assert (upgrade.clusters(), upgrade.rows(), upgrade.leftovers()) == ({OLD: "5432"}, before, [])
    # Confirming another host, and check mode.
    assert "is no host of this play. Nothing was changed." in upgrade.play(confirm="another").refusal
    checked = upgrade.play(check=True, confirm=upgrade.name)
    assert checked.code == 0, checked.output
    assert "changed=1 " in checked.output  # it would
    unconfirmed = upgrade.play(check=True)
    assert unconfirmed.code == 0, unconfirmed.output
    assert "changed=0 " in unconfirmed.output
    assert upgrade.clusters() == {OLD: "5432"}


def test_the_doctor_names_the_database_and_its_remedy_works(host, upgrade):
    def found():
        findings = call(host, "django_doctor", url="http://ledger.example.test/")["findings"]
        return [one for one in findings if "indexes on text of the database german" in one["cause"]]

    commands = found()[0]["remedy"].split("`")[3::2]
    upgrade.sql("UPDATE pg_database SET datcollversion = '2.36' WHERE datname = 'german'")
    assert len(commands) == 2
    for command in commands:
        host.check_output(f"cd / && {command}")
    assert found() == []
    upgrade.sql("UPDATE pg_database SET datcollversion = '2.36' WHERE datname = 'german'")


@pytest.mark.parametrize("only", ["rehearsed", "upgraded"])
def test_a_value_twice_in_a_unique_index_ends_it(upgrade, ledger, twice, only):
    before = upgrade.rows()
    chosen = {"rehearse": True} if only == "rehearsed" else {"rehearse": False, "confirm": upgrade.name}
    refusal = upgrade.play(**chosen).refusal
    assert 'could not create unique index "names_name_key"' in refusal
    assert "ä" not in refusal  # no data
    assert (upgrade.clusters(), upgrade.rows(), upgrade.leftovers()) == ({OLD: "5432"}, before, [])
    assert ledger.get("/").status == 200


def test_what_cannot_follow_is_refused_with_its_remedy(upgrade):
    upgrade.sql("SELECT pg_create_physical_replication_slot('standby')")
    upgrade.sql("CREATE DATABASE closed ALLOW_CONNECTIONS false", "postgres")
    try:
        refusal = upgrade.play(confirm=upgrade.name).refusal
        assert "slots: standby" in refusal
        assert 'ALTER DATABASE "closed" ALLOW_CONNECTIONS true' in refusal
        assert "Nothing was changed." in refusal
    finally:
        upgrade.sql("DROP DATABASE closed", "postgres")
        upgrade.sql("SELECT pg_drop_replication_slot('standby')")

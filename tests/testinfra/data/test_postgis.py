"""A database with PostGIS, whose tables only the superuser may fill, is backed up, proven, restored and rolled back."""

from uuid import uuid4

import pytest
from helpers.backups import back_up
from helpers.hosts import release_of
from helpers.module import call
from plays import sql, start_deploy, variant_in

pytestmark = pytest.mark.long
DATABASE = {"engine": "postgresql", "extensions": ["pg_trgm", "unaccent", "postgis"]}
PLACES = """
CREATE TABLE places (id int PRIMARY KEY, place geometry(Point, 4326));
INSERT INTO places SELECT n, ST_SetSRID(ST_MakePoint(n, n), 4326) FROM generate_series(1, 9) AS n;
CREATE INDEX places_place ON places USING gist (place);
"""
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL("DELETE FROM places; DELETE FROM ledger_entry")]
"""
FOUND = "SELECT count(*), string_agg(DISTINCT ST_SRID(place)::text, ' '), to_regclass('places_place') FROM places"


@pytest.fixture
def places(host, ledger, undo, tmp_path):
    """The app with PostGIS and some places; its last row."""
    others = "SELECT datname FROM pg_database WHERE datname ~ '^ledger_before_'"
    undo("cd / && runuser -u postgres -- psql -Xqd ledger -c 'DROP EXTENSION postgis CASCADE; DROP TABLE places'")
    undo(f'cd / && runuser -u postgres -- psql -XAtqc "{others}" | xargs -rn1 runuser -u postgres dropdb')
    undo("rm -rf /srv/ledger/before-r*")
    played = start_deploy(host, database=DATABASE).finish()
    assert played.code == 0, played.output
    host.check_output("cd / && runuser -u ledger -- psql -Xqd ledger --set=ON_ERROR_STOP=1 -c %s", PLACES)
    text = uuid4().hex
    assert ledger.get(f"/add/{text}").status == 200
    yield text
    played = start_deploy(host).finish()
    assert played.code == 0, played.output


def test_with_postgis(host, ledger, places, tmp_path):
    found = sql(host, FOUND, "ledger")
    assert found == "9|4326|places_place"
    back_up(host, "ledger")
    drill = host.run("systemctl start gatehouse-drill@ledger")
    assert drill.rc == 0, host.check_output("journalctl -n 30 -u gatehouse-drill@ledger")

    sql(host, "DELETE FROM places", "ledger")
    answer = call(host, "django_restore", app="ledger", only="database", confirm="ledger")
    assert not answer["failed"], answer
    assert sql(host, FOUND, "ledger") == found
    assert ledger.get("/").json()["entries"][-1] == places

    before = release_of(host, "ledger")
    project = variant_in(tmp_path, {f"ledger/migrations/0002_{uuid4().hex[:8]}.py": MIGRATION})
    played = start_deploy(host, project, database=DATABASE).finish()
    assert played.code == 0, played.output
    assert ledger.get("/").json()["entries"] == []
    answer = call(host, "django_rollback", app="ledger", restore_database=True, confirm="ledger")
    assert not answer["failed"], answer
    assert release_of(host, "ledger") == before
    assert sql(host, FOUND, "ledger") == found
    assert ledger.get("/").json()["entries"][-1] == places
    # All that it has can be dumped again.
    assert back_up(host, "ledger")["result"] == "ok"

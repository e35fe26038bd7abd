# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""See from outside what migrations do to the copy of a database: the locks of its role, and the tables they rewrite.

The superuser makes what is needed in a schema of its own, in the copy only, where the migrations can change nothing.
The samples also show what no migration reports: locks of another connection, and those outside of transactions.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError, RunCommand
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.superuser import ask, literal

SAMPLE_SECONDS = 0.02
# Names are looked up in no schema of the app: these statements run as the superuser.
BEGIN = "SET search_path = pg_catalog; "
# `tables` are those that visitors can use. A lock on a table that a migration has created keeps no visitor waiting.
MAKE = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.tables AS
  SELECT c.oid AS number,
    CASE n.nspname WHEN 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND n.nspname <> {name};
CREATE TABLE {schema}.held (
  transaction text, number oid, mode text, first timestamptz, last timestamptz,
  PRIMARY KEY (transaction, number, mode)
);
CREATE TABLE {schema}.rewrites (number oid, at timestamptz);
CREATE FUNCTION {schema}.rewritten() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO {schema}.rewrites VALUES (pg_event_trigger_table_rewrite_oid(), clock_timestamp());
END $$;
CREATE EVENT TRIGGER {schema} ON table_rewrite EXECUTE FUNCTION {schema}.rewritten()
"""
# A migration can take hours. It ends by itself if no process has used the copy for a while: the run that started it can
# be killed.
SAMPLE = """
SET application_name = {name};
SET statement_timeout = 0;
DO $$
DECLARE
  used timestamptz := clock_timestamp();
BEGIN
  LOOP
    INSERT INTO {schema}.held
      SELECT virtualtransaction, relation, mode, clock_timestamp(), clock_timestamp()
      FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE usename = {role} AND locktype = 'relation' AND granted AND relation >= 16384
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ON CONFLICT (transaction, number, mode) DO UPDATE SET last = clock_timestamp();
    IF EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = {role}) THEN
      used := clock_timestamp();
    END IF;
    EXIT WHEN clock_timestamp() > used + interval '10 minutes';
    COMMIT;
    PERFORM pg_sleep({seconds});
  END LOOP;
END $$
"""
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = {name} AND usename = 'postgres'"
SEEN = """
SELECT json_build_object(
  'locks', (SELECT coalesce(json_agg(json_build_object('table', name, 'mode', mode,
      'first', extract(epoch FROM first), 'last', extract(epoch FROM last))), '[]')
    FROM {schema}.held JOIN {schema}.tables USING (number)),
  'rewrites', (SELECT coalesce(json_agg(json_build_object('table', name, 'at', extract(epoch FROM at))), '[]')
    FROM {schema}.rewrites JOIN {schema}.tables USING (number))
)
"""


class Watch:
    """Watches what *role* does in the copy *database*."""

    def __init__(self, database: str, role: str, run: RunCommand = run_bounded) -> None:
        self._database, self._run = database, run
        # A name that no dump can contain.
        name = f"gatehouse_{secrets.token_hex(8)}"
        self._values = {"schema": name, "name": literal(name), "role": literal(role), "seconds": SAMPLE_SECONDS}
        # What was seen: `locks` with `table`, `mode`, `first` and `last`, and `rewrites` with `table` and `at`.
        self.seen: dict[str, list[dict[str, object]]] = {"locks": [], "rewrites": []}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while this context lasts; `seen` is complete after it."""
        self._ask(MAKE)
        sampler = threading.Thread(target=self._sample, daemon=True)
        sampler.start()
        try:
            yield
        finally:
            with suppress(PostgresqlError):
                self._ask(END)
            sampler.join(timeout=30)
        self.seen = json.loads(self._ask(SEEN))

    def _sample(self) -> None:
        # It ends with its connection, which is an error of psql.
        with suppress(PostgresqlError):
            self._ask(SAMPLE)

    def _ask(self, sql: str) -> str:
        return ask(self._run, BEGIN + sql.format(**self._values), self._database)

SELECT pg_import_system_collations('pg_catalog');
CREATE DATABASE german OWNER ledger LOCALE 'de_DE.UTF-8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE german FROM PUBLIC;
SET ROLE ledger;
CREATE TABLE names (id serial PRIMARY KEY, name text COLLATE "de_DE.utf8" UNIQUE, plain text, icu text COLLATE "de-x-icu");
INSERT INTO names (name, plain, icu) SELECT 'ä' || md5(i::text), i, i FROM generate_series(1, 20000) AS i;
CREATE INDEX names_part ON names (id) WHERE name > 'äb';
CREATE INDEX names_plain ON names (plain);
CREATE INDEX names_icu ON names (icu);
CREATE INDEX names_trigrams ON names USING gin (plain gin_trgm_ops);
CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM names;
CREATE TABLE parts (t text COLLATE "de_DE.utf8") PARTITION BY RANGE (t);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('a') TO ('z');
INSERT INTO parts SELECT chr(97 + i % 24) FROM generate_series(1, 100) AS i;
SELECT lo_create(0);
\connect german
SET ROLE ledger;
CREATE TABLE words (word text PRIMARY KEY);
INSERT INTO words SELECT md5(i::text) FROM generate_series(1, 1000) AS i;

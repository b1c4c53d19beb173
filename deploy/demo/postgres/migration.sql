-- Rewrites a table that is being read: ids become bigint and every order gets a reference. ALTER TABLE would keep
-- readers out while it rewrites, so this copies to a new table and swaps the two. Nothing is written to the old one
-- meanwhile (that is what the lull is for), so neither triggers nor a second pass are needed.
-- `own` lines tell the demo which transactions are the migration's own.
\set ON_ERROR_STOP on
SET lock_timeout = '5s';

BEGIN;
SELECT 'own ' || pg_current_xact_id();
\echo creating orders_new
CREATE TABLE orders_new (LIKE orders INCLUDING DEFAULTS);
ALTER TABLE orders_new
    ALTER COLUMN id TYPE bigint,
    ADD COLUMN reference uuid NOT NULL DEFAULT gen_random_uuid();
\echo copying every row
INSERT INTO orders_new (id, customer, cents, writer, number)
SELECT id, customer, cents, writer, number FROM orders;
\echo building the primary key and the index
ALTER TABLE orders_new ADD PRIMARY KEY (id);
CREATE INDEX orders_new_customer ON orders_new (customer);
GRANT SELECT, INSERT, UPDATE, DELETE ON orders_new TO app;
COMMIT;

BEGIN;
SELECT 'own ' || pg_current_xact_id();
\echo swapping the tables
ALTER SEQUENCE orders_id_seq AS bigint OWNED BY orders_new.id;
ALTER TABLE orders RENAME TO orders_old;
ALTER TABLE orders_new RENAME TO orders;
COMMIT;

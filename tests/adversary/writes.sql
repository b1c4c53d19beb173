-- rows in
INSERT INTO t VALUES (801, 'x')
-- no rows; unseen: it would write if there were any
INSERT INTO t SELECT 1, 'x' WHERE false
-- on conflict
INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'x'
-- rows changed
UPDATE t SET v = 'x'
-- no row changed; unseen: it would write if there were any
UPDATE t SET v = 'x' WHERE false
-- rows out
DELETE FROM t
-- a truncation
TRUNCATE t
-- a merge
MERGE INTO t USING (VALUES (1)) x (id) ON t.id = x.id WHEN MATCHED THEN DELETE
-- a data-modifying CTE
WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone
-- hidden below a query
SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) b; WITH x AS (UPDATE t SET v = 'y' RETURNING 1) SELECT 1
-- COPY of a modifying query
COPY (DELETE FROM t RETURNING *) TO STDOUT
-- through a view
INSERT INTO w VALUES (802, 'x')
-- through a rule
DELETE FROM w WHERE id = 1
-- through a view that calls a function
SELECT * FROM w_insert
-- EXPLAIN ANALYZE of a write
EXPLAIN ANALYZE DELETE FROM t
-- the same in parentheses
EXPLAIN (ANALYZE, COSTS off) UPDATE t SET v = 'x'
-- EXPLAIN ANALYZE of CREATE TABLE AS
EXPLAIN ANALYZE CREATE TABLE made AS SELECT 1
-- with options
EXPLAIN (ANALYZE) CREATE TABLE made AS SELECT 1 WITH NO DATA
-- with the other spelling
EXPLAIN ANALYSE VERBOSE CREATE TABLE made AS TABLE t
-- a number switches it on
EXPLAIN (VERBOSE, ANALYZE 1) CREATE TABLE made AS SELECT 1
-- the last one wins
EXPLAIN (ANALYZE off, ANALYZE) CREATE TABLE made AS SELECT 1
-- quoted
EXPLAIN ("analyze" 'on') CREATE TABLE made AS SELECT 1
-- with escapes
EXPLAIN (U&"anal\0079ze" TRUE) CREATE TABLE made AS SELECT 1
-- SELECT INTO
EXPLAIN ANALYZE SELECT 1 AS a INTO made
-- SELECT INTO below a CTE
EXPLAIN ANALYZE WITH x AS (SELECT 1 AS a) SELECT * INTO made FROM x
-- in parentheses
EXPLAIN ANALYZE (SELECT 1 AS a INTO made)
-- a column called insert before INTO
EXPLAIN ANALYZE SELECT 1 insert INTO made
-- a UNION
EXPLAIN ANALYZE SELECT 1 AS a INTO made UNION SELECT 2
-- a materialized view
EXPLAIN ANALYZE CREATE MATERIALIZED VIEW made AS SELECT 1
-- if it does not exist
EXPLAIN ANALYZE CREATE TABLE IF NOT EXISTS made AS SELECT 1
-- unlogged
EXPLAIN ANALYZE CREATE UNLOGGED TABLE made AS SELECT 1
-- temporary
EXPLAIN ANALYZE CREATE TEMP TABLE made AS SELECT 1
-- of an EXECUTE
PREPARE p AS SELECT 1 AS a
EXPLAIN ANALYZE CREATE TABLE made AS EXECUTE p
EXPLAIN ANALYZE EXECUTE p
-- of a cursor; unseen: nothing is run
EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1
-- of a refresh; unseen: nothing is run
EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW m
-- row locks
SELECT * FROM t FOR UPDATE
-- weaker ones
SELECT * FROM t WHERE id = 1 FOR KEY SHARE SKIP LOCKED
-- in a subquery
SELECT (SELECT v FROM t LIMIT 1 FOR SHARE)
-- sequences
SELECT nextval('s')
-- sequences, set
SELECT setval('s', 77)
-- sequences in a function
SELECT f_next()
-- a function that writes
SELECT f_insert()
-- the same in a cursor
BEGIN
DECLARE c CURSOR WITH HOLD FOR SELECT f_insert()
COMMIT
FETCH c
-- CALL with COMMIT
CALL p_commit()
-- CALL with ROLLBACK
CALL p_rollback()
-- CALL that writes
CALL p_insert()
-- an immutable function that writes, folded while planning
EXPLAIN SELECT f_constant()
-- a domain's check, run while reading a literal
SELECT '{1}'::checked[]
-- a definer's rights
SELECT f_definer()
-- an error that is swallowed
SELECT f_trap()
-- SELECT INTO
SELECT * INTO made FROM t
-- SELECT INTO with comments
SELECT *--into⏎INTO made FROM t
-- tables
CREATE TABLE made (a int)
-- tables from queries
CREATE TABLE made AS SELECT 1
-- temporary tables
CREATE TEMP TABLE made (a int)
-- views
CREATE VIEW made AS SELECT 1
-- temporary views
CREATE TEMP VIEW made AS SELECT 1
-- indexes
CREATE INDEX made ON t (v)
-- indexes, concurrently
CREATE INDEX CONCURRENTLY made ON t (v)
-- functions
CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'
-- functions with a body that has semicolons
CREATE FUNCTION made() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END
-- temporary functions
CREATE FUNCTION pg_temp.made() RETURNS int LANGUAGE sql AS 'SELECT 1'
-- schemas
CREATE SCHEMA made CREATE TABLE x (a int)
-- roles
CREATE ROLE made
-- databases
CREATE DATABASE made
-- extensions
CREATE EXTENSION IF NOT EXISTS pg_trgm
-- types
ALTER TYPE mood ADD VALUE 'happy'
-- columns
ALTER TABLE t ADD COLUMN made int
-- default privileges
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
-- drops
DROP TABLE t CASCADE
-- drops, owned
DROP OWNED BY CURRENT_USER
-- grants
GRANT ALL ON t TO PUBLIC
-- comments
COMMENT ON TABLE t IS 'made'
-- refresh
REFRESH MATERIALIZED VIEW m
-- refresh without data
REFRESH MATERIALIZED VIEW m WITH NO DATA
-- publications
CREATE PUBLICATION made FOR ALL TABLES
-- statistics
CREATE STATISTICS made ON id, v FROM t
-- event triggers
CREATE EVENT TRIGGER made ON ddl_command_start EXECUTE FUNCTION e_trigger()
-- rules
CREATE RULE made AS ON INSERT TO parent DO INSTEAD NOTHING
-- large objects
SELECT lo_create(0)
-- large objects, old
SELECT lo_creat(-1)
-- large objects, written
SELECT lo_put(4711, 0, 'x')
-- large objects, from bytes
SELECT pg_catalog.lo_from_bytea(0, 'x')
-- large objects, opened and written
BEGIN
SELECT lowrite(lo_open(4711, 131072), 'x')
COMMIT
-- large objects, cut
BEGIN
SELECT lo_truncate(lo_open(4711, 131072), 0)
COMMIT
-- large objects, gone
SELECT "lo_unlink"(4711)
-- in COPY
COPY (SELECT lo_create(0)) TO STDOUT
-- in attribute notation
SELECT (4711::oid).lo_unlink
-- in attribute notation of a function's row
SELECT x.lo_unlink FROM unnest(ARRAY[4711::oid]) x
-- in attribute notation, as a star's neighbour
SELECT (x).lo_unlink, 1 FROM (SELECT 4711::oid) y (x)
-- in a subscript
SELECT (ARRAY[1, 2])[lo_create(0)]
-- in VALUES
VALUES (lo_create(0))
-- as a table
SELECT * FROM ROWS FROM (lo_create(0)) WITH ORDINALITY
-- in LIMIT
SELECT 1 LIMIT lo_create(0)
-- in ORDER BY
SELECT 1 ORDER BY lo_create(0)
-- in a window
SELECT count(*) OVER (ORDER BY lo_create(0))
-- in EXECUTE's parameters
PREPARE p (oid) AS SELECT $1
EXECUTE p (lo_create(0))
-- in CALL's arguments
CALL p_takes(lo_create(0))
-- in EXPLAIN ANALYZE
EXPLAIN ANALYZE SELECT lo_create(0)
-- with a comment before the parenthesis
SELECT lo_create /* ( */ -- (⏎(0)
-- in a name with escapes
SELECT U&"lo!005fcreate" UESCAPE '!' (0)
-- in a text that is run
SELECT query_to_xml('SELECT lo_create(0)', true, false, '')
-- in a text that is put together
SELECT query_to_xml('SELECT lo_cre' || 'ate(0)', true, false, '')
-- in a text search
SELECT * FROM ts_stat('SELECT to_tsvector(lo_create(0)::text)')
-- by attribute, a text that is run
SELECT ('SELECT to_tsvector(lo_create(0)::text)'::text).ts_stat
-- rewriting a query by a query
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, lo_create(0)::text::tsquery')
-- VACUUM
VACUUM
-- VACUUM of one, in full
VACUUM (FULL, ANALYZE) t
-- ANALYZE
ANALYZE t
-- ANALYZE, the other spelling
ANALYSE VERBOSE t
-- REINDEX
REINDEX TABLE t
-- REINDEX, concurrently
REINDEX (VERBOSE) INDEX CONCURRENTLY t_pkey
-- REINDEX of everything
REINDEX SCHEMA public
-- CLUSTER
CLUSTER t USING t_pkey
-- CLUSTER of everything
CLUSTER
-- CHECKPOINT; unseen: it is what the server does by itself
CHECKPOINT
-- storage of indexes; unseen: no fingerprint looks into an index
SELECT brin_desummarize_range('t_brin', 0)
-- storage of indexes, summarized; unseen: no fingerprint looks into an index
SELECT brin_summarize_new_values('t_brin')
-- storage of indexes, pending lists; unseen: no fingerprint looks into an index
SELECT gin_clean_pending_list('docs_gin')
-- two-phase commit
BEGIN
PREPARE TRANSACTION 'adversary'
-- two-phase commit in odd spelling
BEGIN
PREPARE/**/TRANSACTION/**/$$adversary2$$
-- messages
NOTIFY probe
-- messages with a text
NOTIFY probe, 'hello'
-- messages by function
SELECT pg_notify('probe', 'hello')
-- messages in a transaction
BEGIN
NOTIFY probe, 'in a transaction'
COMMIT
-- messages by a cursor
BEGIN
DECLARE c CURSOR WITH HOLD FOR SELECT pg_notify('probe', 'cursor')
COMMIT
-- logical messages; unseen: they are written to the log only
SELECT pg_logical_emit_message(false, 'a', 'b')
-- planner statistics
SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 't', 'relpages', 77::int)
-- planner statistics, cleared
SELECT pg_clear_relation_stats('public', 't')
-- counters
SELECT pg_stat_reset()
-- counters of one
SELECT pg_stat_reset_single_table_counters('t'::regclass)
-- another connection
SELECT dblink_exec('{dsn}', 'INSERT INTO t VALUES (803, ''dblink'')')
-- another connection, by attribute
SELECT dblink_connect('{dsn}')
SELECT ('INSERT INTO t VALUES (806, ''dblink'')'::text).dblink_exec
-- another connection, with a name; unseen: it is only opened
SELECT dblink_connect('c', '{dsn}')
-- another connection, quoted
SELECT * FROM "dblink"('{dsn}', 'INSERT INTO t VALUES (804, ''dblink'') RETURNING id') AS r (id int)
-- COPY from a file
COPY docs FROM '/etc/hostname'
-- COPY to a program; unseen: this one does nothing
COPY t TO PROGRAM 'cat > /dev/null'
-- security labels; untold: no provider is installed
SECURITY LABEL ON TABLE t IS 'x'
-- ownership
REASSIGN OWNED BY CURRENT_USER TO CURRENT_USER
-- sessions; untold: it would end the observer
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'observer'
-- sessions by attribute; untold: it would end the observer
SELECT (pid).pg_terminate_backend FROM pg_stat_activity WHERE application_name = 'observer'
-- import
IMPORT FOREIGN SCHEMA public LIMIT TO (parent) FROM SERVER loopback INTO far
-- nothing that is known; untold: to no server either
FROBNICATE t
-- an exported snapshot; unseen: gone with its transaction
BEGIN ISOLATION LEVEL REPEATABLE READ
SELECT pg_export_snapshot() IS NOT NULL
COMMIT
-- locks that block; unseen: gone with their transaction
BEGIN
LOCK TABLE t
COMMIT
-- locks that block, weaker; unseen: gone with their transaction
BEGIN
LOCK TABLE ONLY t, parent IN SHARE ROW EXCLUSIVE MODE NOWAIT
COMMIT
-- foreign tables; unseen: it only reads, by a connection around lull
SELECT * FROM remote
-- foreign tables, written
INSERT INTO remote VALUES (805, 'fdw')
-- a foreign table over a view that writes
SELECT * FROM remote_insert
-- a foreign table over a view that writes, below a query
SELECT (SELECT max(f_insert) FROM remote_insert)

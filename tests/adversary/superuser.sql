-- the server's settings
ALTER SYSTEM SET work_mem = '3MB'
-- the server's settings, all
ALTER SYSTEM RESET ALL
-- a reload
SELECT pg_reload_conf()
-- files by COPY
COPY t TO '{outside}/copied'
-- files by COPY, of a query, with options
COPY (SELECT 1) TO E'{outside}/copied' WITH (FORMAT csv)
-- programs by COPY
COPY t TO PROGRAM 'touch {outside}/program'
-- programs by COPY, inward
COPY t FROM PROGRAM 'touch {outside}/program'
-- files by large objects
SELECT lo_export(4711, '{outside}/exported')
-- files into large objects
SELECT lo_import('PG_VERSION')
-- slots
SELECT pg_create_physical_replication_slot('made')
-- slots by attribute
SELECT ('made'::name).pg_create_physical_replication_slot
-- logical slots
SELECT pg_create_logical_replication_slot('made', 'test_decoding')
-- temporary slots
SELECT pg_create_logical_replication_slot('made', 'test_decoding', true)
-- slots read
SELECT * FROM pg_logical_slot_get_changes('changes', NULL, NULL)
-- slots moved
SELECT pg_replication_slot_advance('there', pg_current_wal_lsn())
-- slots dropped
SELECT pg_drop_replication_slot('there')
-- slots dropped by attribute
SELECT (slot_name).pg_drop_replication_slot FROM pg_replication_slots
-- slots copied
SELECT pg_copy_physical_replication_slot('there', 'made')
-- origins
SELECT pg_replication_origin_create('made')
-- origins by attribute
SELECT ('made'::text).pg_replication_origin_create
-- the log; unseen: readers move its position too
SELECT pg_switch_wal()
-- the log, named; unseen: it is written to the log only
SELECT pg_create_restore_point('made')
-- collations
SELECT pg_import_system_collations('public')
-- visibility; unseen: the map is in no fingerprint
SELECT pg_truncate_visibility_map('t')
-- heap surgery
SELECT heap_force_kill('t', ARRAY['(0,1)']::tid[])
-- heap surgery, freezing
SELECT heap_force_freeze('t', ARRAY['(0,1)']::tid[])
-- backups; unseen: only its session knows of it
SELECT pg_backup_start('made', true)
-- code; unseen: only its session has it
LOAD 'auto_explain'
-- files written
SELECT pg_file_write('{outside}/written', 'x', false)
-- triggers off
SET session_replication_role = replica
{write}
-- catalogs open
SET allow_system_table_mods = on
UPDATE pg_class SET reltuples = 7 WHERE relname = 't'
-- a role and its settings
SET SESSION AUTHORIZATION app
SET default_transaction_read_only = off
{write}
-- a role whose settings differ
SET ROLE app
BEGIN READ WRITE
{write}
COMMIT
-- the database's own settings
ALTER DATABASE {database} SET work_mem = '2MB'
-- subscriptions
CREATE SUBSCRIPTION made CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)
-- tablespaces
CREATE TABLESPACE made LOCATION '{outside}'

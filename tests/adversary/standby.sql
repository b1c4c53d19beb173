-- replay stops
SELECT pg_wal_replay_pause()
-- slots there
SELECT pg_create_physical_replication_slot('made', true)
-- slots there by attribute
SELECT ('made_so'::name).pg_create_physical_replication_slot
-- settings there
ALTER SYSTEM SET work_mem = '3MB'
-- a reload there
SELECT pg_reload_conf()
-- counters there
SELECT pg_stat_reset()
-- it becomes a primary
SELECT pg_promote()

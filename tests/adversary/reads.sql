-- one
SELECT 1
-- no row
SELECT WHERE false
-- many rows
SELECT * FROM t ORDER BY id
-- parameters' types
SELECT 1::int2, 2::int8, 3.5::numeric, 1e10::float8, true, 'x'::"char", 'abc'::name
-- strings
SELECT 'it''s', E'tab\there', U&'d\0061t\+000061', $$dollar$$, $a$x $$ y$a$
-- backslashes
SELECT 'C:\temp\', 'a\b' ~ '\w'
-- unicode
SELECT 'žluťoučký 日本 🐘', "id" AS "naïve" FROM t WHERE v <> 'ñ' ORDER BY id LIMIT 1
-- comments
SELECT /* lo_create(0) /* nested */ */ 1 -- VACUUM
-- words in strings
SELECT 'SET default_transaction_read_only = off', 'DROP TABLE t; VACUUM', 'lo_create(0)'
-- words as columns
SELECT 1 AS "update", 2 AS vacuum, 3 AS "into", 4 AS notify, 5 AS lo_create
-- TABLE
TABLE t
-- VALUES
VALUES (1, 'a'), (2, 'b')
-- parentheses
((SELECT 1) UNION ALL (SELECT 2)) ORDER BY 1 DESC
-- set operations
SELECT id FROM t WHERE id < 5 EXCEPT SELECT id FROM t WHERE id < 3 INTERSECT SELECT 4
-- CTE
WITH a AS (SELECT id FROM t), b AS MATERIALIZED (SELECT * FROM a WHERE id < 4) SELECT count(*) FROM a JOIN b USING (id)
-- recursive CTE
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT sum(n) FROM r
-- recursive search
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SEARCH DEPTH FIRST BY n SET o SELECT * FROM r ORDER BY o
-- windows
SELECT id, rank() OVER (PARTITION BY id % 3 ORDER BY id), lag(v) OVER w FROM t WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) ORDER BY id LIMIT 9
-- grouping sets
SELECT id % 2, id % 3, count(*) FROM t GROUP BY CUBE (1, 2) ORDER BY 1, 2
-- filter
SELECT count(*) FILTER (WHERE id > 10), string_agg(v, ',' ORDER BY id DESC) FROM t
-- ordered sets
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id), mode() WITHIN GROUP (ORDER BY id % 2) FROM t
-- lateral
SELECT a.id, b.x FROM t a, LATERAL (SELECT a.id * 2 AS x) b ORDER BY 1 LIMIT 3
-- joins
SELECT count(*) FROM t a LEFT JOIN child c ON c.id = a.id FULL JOIN parent p ON p.id = c.id
-- natural join
SELECT count(*) FROM t NATURAL JOIN w
-- exists
SELECT EXISTS (SELECT FROM t), 1 = ANY (ARRAY[1, 2]), 2 IN (SELECT id FROM t)
-- case
SELECT CASE id WHEN 1 THEN 'one' ELSE 'more' END FROM t ORDER BY id LIMIT 2
-- rows
SELECT ROW(1, 'a'), (1, 2) < (1, 3), (t).v, t.* FROM t ORDER BY t.id LIMIT 1
-- arrays
SELECT ARRAY[[1, 2], [3, 4]], (ARRAY[1, 2, 3])[2:3], unnest(ARRAY['a', 'b'])
-- ranges
SELECT int4range(1, 5) @> 3, '[2024-01-01,2024-02-01)'::daterange
-- ranges of ranges
SELECT '{[1,3),[5,7)}'::int4multirange
-- dates
SELECT date_trunc('month', timestamp '2024-05-17 12:30'), interval '1 day' * 3, date '2024-01-31' + 1
-- time zones
SELECT timestamptz '2024-05-17 12:30+00' AT TIME ZONE 'Europe/Prague'
-- JSON
SELECT '{"a": [1, {"b": null}]}'::jsonb -> 'a' -> 1, jsonb_path_query_array('[1, 2, 3]', '$[*] ? (@ > 1)')
-- JSON of rows
SELECT json_agg(row_to_json(t) ORDER BY id) FROM t WHERE id < 4
-- JSON populated
SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": "x"}]') AS r (a int, b text)
-- XML
SELECT xmlelement(name x, xmlattributes(1 AS y), 'text'), xpath('/a/b/text()', '<a><b>1</b></a>')
-- XML tables
SELECT * FROM xmltable('/r/i' PASSING '<r><i>1</i><i>2</i></r>' COLUMNS n int PATH '.')
-- XML of a query
SELECT query_to_xml('SELECT id, v FROM t WHERE id < 3', true, false, '')
-- XML of a table
SELECT table_to_xml('t', true, true, '')
-- full text
SELECT to_tsvector('english', 'The quick brown foxes') @@ to_tsquery('english', 'fox & quick')
-- full text ranks
SELECT ts_rank(to_tsvector('a b c'), 'a | c'), ts_headline('some text', 'text')
-- full text statistics
SELECT * FROM ts_stat('SELECT body FROM docs')
-- regular expressions
SELECT regexp_replace('foobar', '(o+)(b)', '\2\1'), 'abc' SIMILAR TO '(a|b)%', regexp_split_to_array('a,b', ',')
-- formatting
SELECT format('%I = %L', 'a b', 'it''s'), quote_ident('x y'), to_char(1234.5, 'FM9,999.00')
-- bytes
SELECT '\xdeadbeef'::bytea, encode('abc', 'base64'), decode('616263', 'hex'), sha256('a')
-- bits
SELECT B'101' & B'110', X'1F', 5::bit(4)
-- network
SELECT inet '10.0.0.1' << cidr '10.0.0.0/8', macaddr '08:00:2b:01:02:03'
-- geometry
SELECT point(1, 2) <-> point(4, 6), box '((0,0),(1,1))' @> point '(0.5,0.5)'
-- UUIDs
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid
-- enums
SELECT enum_range(NULL::mood), 'ok'::mood > 'sad'
-- domains
SELECT 5::small
-- series
SELECT generate_series(1, 10, 3), generate_series('2024-01-01'::timestamp, '2024-01-03', '1 day')
-- sampling
SELECT count(*) FROM t TABLESAMPLE SYSTEM (100)
-- WITH ORDINALITY
SELECT * FROM unnest(ARRAY['x', 'y']) WITH ORDINALITY AS u (v, n)
-- ROWS FROM
SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, 3)) AS r (a, b)
-- FETCH FIRST
SELECT id FROM t ORDER BY id FETCH FIRST 2 ROWS WITH TIES
-- OFFSET
SELECT id FROM t ORDER BY id OFFSET 38
-- DISTINCT ON
SELECT DISTINCT ON (id % 2) id FROM t ORDER BY id % 2, id DESC
-- collations
SELECT v COLLATE "C" FROM t ORDER BY v COLLATE "C" LIMIT 2
-- operators by name
SELECT 1 OPERATOR(pg_catalog.+) 2, 'a' LIKE 'b', 3 BETWEEN 1 AND 5
-- system columns
SELECT tableoid::regclass, ctid FROM t WHERE id = 1
-- views
SELECT * FROM w ORDER BY id LIMIT 2
-- materialized views
SELECT count(*) FROM m
-- swallowed errors
SELECT f_trap() IS NOT NULL AND false
-- an error
SELECT 1/0
-- an unknown table
SELECT * FROM nothing
-- an unknown function
SELECT nothing(1)
-- a syntax error
SELEC 1
-- an open quote
SELECT 'open
-- an empty text
;
-- semicolons
;;SELECT 1;;
-- two statements
SELECT 1; SELECT 'b', 2
-- three with an error
SELECT 1; SELECT 1/0; SELECT 2
-- EXPLAIN
EXPLAIN (COSTS off) SELECT * FROM t WHERE id = 1
-- EXPLAIN of a write
EXPLAIN (COSTS off) DELETE FROM t
-- EXPLAIN of CREATE TABLE AS
EXPLAIN (COSTS off) CREATE TABLE made AS SELECT 1
-- EXPLAIN ANALYZE
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT * FROM t WHERE id = 1
-- EXPLAIN JSON
EXPLAIN (FORMAT json, COSTS off) SELECT 1
-- SHOW
SHOW server_version
-- SHOW, transaction
SHOW transaction_isolation
-- SHOW, path
SHOW search_path
-- current_setting
SELECT current_setting('work_mem'), current_setting('nothing.here', true)
-- SET
SET work_mem = '8MB'
-- SET, time zone
SET TIME ZONE 'UTC'
-- SET, names
SET NAMES 'UTF8'
-- SET, path
SET search_path TO public, pg_catalog
-- SET, application
SET application_name = 'reads'
-- set_config
SELECT set_config('work_mem', '9MB', false), set_config('my.var', 'x', true)
-- RESET
RESET work_mem
-- SET ROLE
SET ROLE NONE
-- who
SELECT current_user, session_user, current_database(), current_schema()
-- privileges
SELECT has_table_privilege('t', 'SELECT'), has_database_privilege(current_database(), 'CREATE')
-- snapshots
SELECT pg_current_xact_id_if_assigned() IS NULL, pg_is_in_recovery()
-- sizes
SELECT pg_relation_size('t'), pg_size_pretty(1024::bigint)
-- advisory locks
SELECT pg_try_advisory_lock_shared(1), pg_advisory_unlock_shared(1)
-- LISTEN
LISTEN anything
-- UNLISTEN
UNLISTEN *
-- DISCARD PLANS
DISCARD PLANS
-- DEALLOCATE ALL
DEALLOCATE ALL
-- large objects read
SELECT lo_get(4711)
-- COPY out
COPY t TO STDOUT
-- COPY out, CSV
COPY (SELECT * FROM t ORDER BY id) TO STDOUT WITH (FORMAT csv, HEADER)
-- COPY out, binary
COPY t (id) TO STDOUT (FORMAT binary)
-- information_schema tables
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1
-- information_schema columns
SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, ordinal_position
-- information_schema constraints
SELECT tc.constraint_name, tc.constraint_type, kcu.column_name FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu USING (constraint_name) WHERE tc.table_schema = 'public' ORDER BY 1, 3
-- information_schema routines
SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'public' ORDER BY 1
-- information_schema views
SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = 'public' ORDER BY 1
-- psql \d
SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' END, pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2
-- psql \d t
SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, c.relrowsecurity, c.relforcerowsecurity, false AS relhasoids, c.relispartition, '', c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence, c.relreplident, am.amname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid) LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = 't'::regclass
-- psql \d t, columns
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation, a.attidentity, a.attgenerated FROM pg_catalog.pg_attribute a WHERE a.attrelid = 't'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
-- psql \d t, indexes
SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(con.oid, true), contype, condeferrable, condeferred, i.indisreplident, c2.reltablespace FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x')) WHERE c.oid = 't'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY i.indisprimary DESC, c2.relname
-- psql \d t, triggers
SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgisinternal FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 't'::regclass AND NOT t.tgisinternal ORDER BY 1
-- psql \df
SELECT n.nspname, p.proname, pg_catalog.pg_get_function_result(p.oid), pg_catalog.pg_get_function_arguments(p.oid), CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE pg_catalog.pg_function_is_visible(p.oid) AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' ORDER BY 1, 2, 4
-- psql \l
SELECT d.datname, pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.pg_encoding_to_char(d.encoding) FROM pg_catalog.pg_database d WHERE d.datname = current_database()
-- psql \dn
SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
-- psql \du
SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcanlogin, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) FROM pg_catalog.pg_roles r WHERE r.rolname = 'app'
-- psql \dT
SELECT n.nspname, pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid) AND n.nspname = 'public' ORDER BY 1, 2
-- psql \sf
SELECT pg_catalog.pg_get_functiondef('f_insert'::regproc)
-- psql \sv
SELECT pg_catalog.pg_get_viewdef('w'::regclass, true)
-- psql \dp
SELECT n.nspname, c.relname, pg_catalog.array_to_string(c.relacl, E'\n') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','v','m','S','f','p') AND n.nspname = 'public' ORDER BY 1, 2
-- pg_dump settings
SELECT pg_catalog.set_config('search_path', '', false)
-- pg_dump namespaces
SELECT n.tableoid::regclass, n.nspname, n.nspowner::regrole, n.nspacl FROM pg_namespace n WHERE nspname = 'public'
-- pg_dump tables
SELECT c.relname, c.relkind, c.relchecks, c.relhasindex, c.relhasrules, c.relpages >= 0, c.reltuples >= -1, c.relpersistence, array_remove(array_remove(c.reloptions, 'check_option=local'), 'check_option=cascaded') AS reloptions FROM pg_class c LEFT JOIN pg_depend d ON (c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')) WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S', 'v', 'c', 'm', 'f', 'p') ORDER BY c.relname
-- pg_dump sequences
SELECT format_type(seqtypid, NULL), seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle FROM pg_catalog.pg_sequence WHERE seqrelid = 's'::regclass
-- pg_dump sequence data
SELECT last_value, is_called FROM s
-- pg_dump dependencies
SELECT count(*) > 0 FROM pg_depend WHERE deptype NOT IN ('p', 'e') AND deptype != 'i'
-- pg_dump extensions
SELECT x.extname, x.extrelocatable FROM pg_extension x ORDER BY 1
-- pg_dump casts
SELECT count(*) FROM pg_cast
-- pg_dump default privileges
SELECT defaclrole, defaclobjtype FROM pg_default_acl
-- SQLAlchemy has_table
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 't' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'
-- SQLAlchemy first words
select pg_catalog.version()
-- SQLAlchemy second words
select current_schema()
-- SQLAlchemy third words
show standard_conforming_strings
-- Django introspection
SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END, obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1
-- Django query
SELECT "t"."id", "t"."v" FROM "t" WHERE ("t"."id" IN (1, 2, 3) AND UPPER("t"."v"::text) LIKE UPPER('V%')) ORDER BY "t"."id" ASC LIMIT 21
-- Rails types
SELECT t.typname, t.typelem, t.typdelim, t.typinput::text, r.rngsubtype, t.typtype, t.typbasetype FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'int8', 'bool', 'text') ORDER BY 1
-- Rails exists
SELECT 1 AS one FROM "t" WHERE "t"."v" = 'v1' LIMIT 1
-- Hibernate
select t1_0.id,t1_0.v from t t1_0 where t1_0.id=1
-- Prisma
SELECT "public"."t"."id", "public"."t"."v" FROM "public"."t" WHERE 1=1 ORDER BY "public"."t"."id" ASC LIMIT 3 OFFSET 1
-- JDBC types
SELECT n.nspname = ANY(current_schemas(true)), n.nspname, t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid WHERE t.oid = 23
-- JDBC metadata
SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, a.attname AS COLUMN_NAME FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid) WHERE n.nspname LIKE 'public' AND c.relname LIKE 't' AND a.attnum > 0 ORDER BY a.attnum
-- Npgsql types
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull FROM pg_type AS t JOIN pg_namespace AS ns ON ns.oid = t.typnamespace WHERE t.typname = 'mood'
-- monitoring
SELECT count(*) > 0 FROM pg_stat_activity WHERE state IS NOT NULL
-- monitoring, locks
SELECT count(*) >= 0 FROM pg_locks WHERE NOT granted
-- monitoring, tables
SELECT relname, seq_scan >= 0 FROM pg_stat_user_tables ORDER BY 1
-- monitoring, replication
SELECT count(*) >= 0 FROM pg_stat_replication
-- monitoring, statements
SELECT pg_stat_get_numscans('t'::regclass) >= 0
-- cancel nobody
SELECT pg_cancel_backend(0)
-- settings
SELECT name, context FROM pg_settings WHERE name IN ('work_mem', 'transaction_isolation') ORDER BY 1
-- sleep
SELECT pg_sleep(0.01)
-- a large row
SELECT repeat('x', 300000)
-- many rows, wide
SELECT n, md5(n::text) FROM generate_series(1, 5000) n
-- a reading domain literal
SELECT '{1,2}'::small[]
-- casts
SELECT '12'::int, CAST('2024-01-01' AS date), int '5', 't'::regclass::text
-- null handling
SELECT coalesce(NULL, 1), nullif(1, 1), NULL IS NOT DISTINCT FROM NULL, greatest(1, 2), least(1, 2)
-- string functions
SELECT substring('hello' FROM 2 FOR 3), trim(BOTH 'x' FROM 'xax'), position('l' IN 'hello'), overlay('abc' PLACING 'X' FROM 2), extract(year FROM date '2024-01-01')
-- normalization
SELECT normalize('é', NFD) = 'é', 'a' IS NORMALIZED
-- attribute notation
SELECT ('abc'::text).upper, (x).a FROM (SELECT ROW(1)::record) y, (SELECT 1 AS a) x
-- prepared FOR words
SELECT id AS share, v AS "for update" FROM t ORDER BY id LIMIT 1
-- a transaction
BEGIN
SELECT count(*) FROM t
COMMIT
-- isolation
BEGIN ISOLATION LEVEL REPEATABLE READ
SELECT count(*) FROM t
COMMIT
-- isolation by SET
BEGIN
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SHOW transaction_isolation
SELECT 1
END
-- serializable, deferrable
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE
SELECT count(*) FROM t
COMMIT
-- read only by itself
START TRANSACTION READ ONLY
SELECT 1
ROLLBACK
-- chains
BEGIN
SELECT 1
COMMIT AND CHAIN
SELECT 2
ROLLBACK AND NO CHAIN
-- savepoints
BEGIN
SAVEPOINT a
SELECT 1/0
ROLLBACK TO a
SELECT 1
RELEASE a
COMMIT
-- a failed transaction
BEGIN
SELECT 1/0
SELECT 1
COMMIT
-- warnings
COMMIT
ROLLBACK
BEGIN
BEGIN
END
-- a cursor
BEGIN
DECLARE c SCROLL CURSOR FOR SELECT id FROM t ORDER BY id
FETCH 3 FROM c
MOVE FORWARD 2 IN c
FETCH BACKWARD 1 FROM c
FETCH LAST c
CLOSE c
COMMIT
-- a held cursor
BEGIN
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id
COMMIT
FETCH 2 c
CLOSE c
-- a cursor from before
before: BEGIN
before: DECLARE c CURSOR FOR SELECT id FROM t ORDER BY id
before: FETCH 2 c
FETCH 2 c
COMMIT
-- a held cursor from before
before: BEGIN
before: DECLARE c CURSOR WITH HOLD FOR SELECT id FROM t ORDER BY id
before: COMMIT
FETCH 2 c
FETCH ALL FROM c
-- a statement prepared before
before: PREPARE p (int) AS SELECT v FROM t WHERE id = $1
EXECUTE p (1)
EXECUTE p (2)
DEALLOCATE p
EXECUTE p (3)
-- a statement with a backslash, prepared before
before: PREPARE p AS SELECT 'a1' ~ '\d'
EXECUTE p
-- prepared in a message with others
before: SELECT 1; PREPARE p AS SELECT count(*) FROM t
EXECUTE p
-- prepared within
PREPARE p (int) AS SELECT v FROM t WHERE id = $1
EXECUTE p (1)
EXPLAIN (COSTS off) EXECUTE p (1)
DEALLOCATE p
-- temporary tables from before
before: CREATE TEMP TABLE own (id serial PRIMARY KEY, v text DEFAULT 'x')
INSERT INTO own (v) VALUES ('a'), ('b') RETURNING id
UPDATE own SET v = 'c' WHERE id = 1
DELETE FROM own WHERE id = 2
SELECT * FROM own
SELECT currval('own_id_seq')
SELECT lastval()
-- currval from before
before: SELECT nextval('s') IS NOT NULL
SELECT currval('s') IS NOT NULL
-- settings from before
before: SET work_mem = '7MB'
SHOW work_mem
RESET work_mem
SHOW work_mem
-- SET LOCAL
BEGIN
SET LOCAL work_mem = '6MB'
SHOW work_mem
COMMIT
SHOW work_mem
-- advisory locks held
SELECT pg_advisory_lock_shared(42)
SELECT pg_advisory_unlock(42)
SELECT pg_advisory_unlock_shared(42)
-- large objects in a transaction
BEGIN
SELECT loread(lo_open(4711, 262144), 10)
COMMIT
-- a weak lock
BEGIN
LOCK TABLE t IN ACCESS SHARE MODE
LOCK TABLE t IN ROW SHARE MODE
COMMIT
-- another lexing
SET standard_conforming_strings = off
SELECT 'a\\b'
RESET standard_conforming_strings
SELECT 'a\\b'
-- another encoding
SET client_encoding = 'LATIN1'
SELECT 'abc'
RESET client_encoding
-- refused by the server with its own words
SELECT nothing FROM t
SELECT 1 +
-- DO that reads
DO $$ BEGIN PERFORM count(*) FROM t; END $$
-- DO that raises
DO $$ BEGIN RAISE NOTICE 'here'; END $$
-- DO in a block
BEGIN
DO $$ BEGIN PERFORM 1; END $$
COMMIT

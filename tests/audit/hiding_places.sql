-- Places where a database can hide a write from a lexer. Run as a superuser in an empty database (psql -1 or one simple
-- query; no psql commands). Nothing is changed by the setup itself beyond the schemas `hide` and `hide_more`.
--
--   -- before: SQL         the client runs it before the lull (its own temporary tables)
--   -- reach: SQL          what would get there; must be refused in a lull
--   -- reach from N: SQL   the same, on servers of major version N and newer
--   -- reach, untold (why): SQL   the same, but nobody can tell from outside that it does something
--
-- Names are made so that none of them is mentioned by anything harmless.

CREATE SCHEMA hide;
GRANT USAGE ON SCHEMA hide TO PUBLIC;
CREATE TABLE hide.plain (id int, note text);
INSERT INTO hide.plain VALUES (1, 'one');

-- SQL that is put together at run time.
CREATE FUNCTION hide.runs(statement text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; END $$;
-- reach: SELECT hide.runs('EXPLAIN ANALYZE CREATE TABLE hide.made_1 AS SELECT 1')
CREATE FUNCTION hide.makes(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE format('EXPLAIN ANALYZE CREATE TABLE hide.%I AS SELECT 1', name); END $$;
-- reach: SELECT hide.makes('made_2')
CREATE FUNCTION hide.loops() RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; all_lines text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN ANALYZE CREATE TABLE ' || 'hide.made_3 AS SELECT 1' LOOP all_lines := all_lines || line; END LOOP;
RETURN all_lines; END $$;
-- reach: SELECT hide.loops()
CREATE FUNCTION hide.returns_query() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY EXECUTE 'EXPLAIN ANALYZE CREATE TABLE hide.made_4' || ' AS SELECT 1'; END $$;
-- reach: SELECT * FROM hide.returns_query()

-- The same in the open: EXPLAIN ANALYZE creates the table although the transaction is read-only.
CREATE FUNCTION hide.explains() RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN FOR line IN EXPLAIN ANALYZE CREATE TABLE hide.made_5 AS SELECT 1 LOOP NULL; END LOOP; RETURN line; END $$;
-- reach: SELECT hide.explains()
CREATE FUNCTION hide.explains_query() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY EXPLAIN (ANALYZE, COSTS off) CREATE TABLE hide.made_6 AS SELECT 1; END $$;
-- reach: SELECT * FROM hide.explains_query()
CREATE FUNCTION hide.explains_cursor() RETURNS text LANGUAGE plpgsql AS $$
DECLARE c refcursor; line text;
BEGIN OPEN c FOR EXPLAIN ANALYZE CREATE TABLE hide.made_7 AS SELECT 1; FETCH c INTO line; RETURN line; END $$;
-- reach: SELECT hide.explains_cursor()
CREATE FUNCTION hide.explains_bound() RETURNS text LANGUAGE plpgsql AS $$
DECLARE c CURSOR FOR EXPLAIN ANALYZE CREATE TABLE hide.made_8 AS SELECT 1; line text;
BEGIN OPEN c; FETCH c INTO line; RETURN line; END $$;
-- reach: SELECT hide.explains_bound()
CREATE FUNCTION hide.explains_sql() RETURNS void LANGUAGE sql AS $$
EXPLAIN ANALYZE CREATE TABLE hide.made_9 AS SELECT 1 $$;
-- reach: SELECT hide.explains_sql()

-- What keeps the session read-only.
CREATE FUNCTION hide.lifts() RETURNS text LANGUAGE sql AS $$ SELECT set_config('transaction_read_only', 'off', false) $$;
-- reach, untold (behind a snapshot the server refuses it): SELECT hide.lifts()
CREATE FUNCTION hide.lifts_next() RETURNS text LANGUAGE sql AS $$
SELECT set_config('default_' || 'transaction_read_only', 'off', false) $$;
-- reach: SELECT hide.lifts_next()
CREATE FUNCTION hide.lifts_parsed() RETURNS text LANGUAGE sql BEGIN ATOMIC
SELECT set_config('default_transaction_read_only', 'off', false); END;
-- reach: SELECT hide.lifts_parsed()
CREATE FUNCTION hide.sets() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET default_transaction_read_only = off; END $$;
-- reach: SELECT hide.sets()
CREATE FUNCTION hide.resets() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RESET ALL; END $$;
-- reach: SELECT hide.resets()
CREATE FUNCTION hide.has_setting() RETURNS int LANGUAGE sql SET default_transaction_read_only = off AS $$ SELECT 1 $$;
-- reach, untold (it lasts as long as the call): SELECT hide.has_setting()
CREATE FUNCTION hide.updates_settings() RETURNS void LANGUAGE plpgsql AS $$
BEGIN UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'; END $$;
-- reach, untold (these servers refuse the UPDATE itself): SELECT hide.updates_settings()
CREATE FUNCTION hide.updates_settings_parsed() RETURNS void LANGUAGE sql BEGIN ATOMIC
UPDATE pg_catalog.pg_settings SET setting = 'off' WHERE name = concat('default_', 'transaction_read_only'); END;
-- reach, untold (these servers refuse the UPDATE itself): SELECT hide.updates_settings_parsed()
CREATE VIEW hide.knobs AS SELECT name, setting FROM pg_catalog.pg_settings;
GRANT UPDATE ON hide.knobs TO PUBLIC;
-- reach, untold (these servers refuse the UPDATE itself): UPDATE hide.knobs SET setting = 'off' WHERE name = 'default_transaction_read_only'
CREATE PROCEDURE hide.starts_over() LANGUAGE plpgsql AS $$
BEGIN COMMIT; SET TRANSACTION READ WRITE; INSERT INTO hide.plain VALUES (2, 'two'); END $$;
-- reach: CALL hide.starts_over()
CREATE FUNCTION hide.has_prepared() RETURNS void LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'EXECUTE something'; END $$;
-- before: PREPARE something AS SELECT lo_create(0)
-- reach: SELECT hide.has_prepared()

-- What a read-only transaction lets through.
CREATE FUNCTION hide.makes_object() RETURNS oid LANGUAGE sql AS $$ SELECT lo_create(0) $$;
-- reach: SELECT hide.makes_object()
CREATE FUNCTION hide.makes_object_parsed() RETURNS oid LANGUAGE sql BEGIN ATOMIC SELECT lo_create(0); END;
-- reach: SELECT hide.makes_object_parsed()
CREATE FUNCTION hide.makes_object_returned() RETURNS oid LANGUAGE sql RETURN lo_create(0);
-- reach: SELECT hide.makes_object_returned()
CREATE FUNCTION hide.makes_object_by_default(o oid DEFAULT lo_create(0)) RETURNS oid LANGUAGE sql AS $$ SELECT $1 $$;
-- reach: SELECT hide.makes_object_by_default()
CREATE FUNCTION hide.makes_object_alias(oid) RETURNS oid LANGUAGE internal AS 'be_lo_create';
-- reach: SELECT hide.makes_object_alias(0)
CREATE FUNCTION hide.gathers() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ANALYZE hide.plain; END $$;
-- reach: SELECT hide.gathers()
CREATE FUNCTION hide.notifies() RETURNS void LANGUAGE plpgsql AS $$ BEGIN NOTIFY hidden; END $$;
-- reach: SELECT hide.notifies()
CREATE FUNCTION hide.locks() RETURNS void LANGUAGE plpgsql AS $$
BEGIN IF true THEN LOCK TABLE hide.plain IN ACCESS EXCLUSIVE MODE; END IF; END $$;
-- reach, untold (locks are not looked at): SELECT hide.locks()
CREATE FUNCTION hide.reads_text(q text) RETURNS xml LANGUAGE sql AS $$ SELECT query_to_xml(q, true, true, '') $$;
-- reach: SELECT hide.reads_text('SELECT lo_create(0)')

-- Views, as deep as you like.
CREATE VIEW hide.view_1 AS SELECT hide.makes_object() AS made;
CREATE VIEW hide.view_2 AS SELECT p.id, v.made FROM hide.plain p CROSS JOIN hide.view_1 v;
CREATE VIEW hide.view_3 AS SELECT id FROM hide.plain UNION ALL SELECT made::int8::int FROM hide.view_2;
-- reach: SELECT * FROM hide.view_1
-- reach: SELECT made FROM hide.view_2
-- reach: TABLE hide.view_3
CREATE VIEW hide.view_direct AS SELECT pg_catalog.lo_create(0) AS made;
-- reach: SELECT * FROM hide.view_direct
CREATE VIEW hide.view_config AS SELECT set_config('default_transaction_read_only'::text, 'off', false) AS was;
-- reach: SELECT * FROM hide.view_config
CREATE VIEW hide.view_text AS SELECT query_to_xml('SELECT lo_create(0)', true, true, '') AS x;
-- reach: SELECT * FROM hide.view_text
CREATE SCHEMA hide_more;
CREATE VIEW hide_more.view_object AS SELECT lo_create(0) AS made;
CREATE VIEW hide.view_names AS SELECT schema_to_xml('hide_more', true, true, '') AS x;
-- reach: SELECT * FROM hide.view_names
CREATE FUNCTION hide.over_view() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM hide.view_2; END;
-- reach: SELECT hide.over_view()
CREATE FUNCTION hide.over_view_quoted() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT count(made) FROM hide . "view_2"); END $$;
-- reach: SELECT hide.over_view_quoted()
CREATE VIEW hide.over_function AS SELECT hide.over_view_quoted() AS n;
-- reach: SELECT n FROM hide.over_function

-- Routines that only name others.
CREATE FUNCTION hide.step_1() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM hide.runs('SELECT lo_create(0)'); END $$;
CREATE FUNCTION hide.step_2() RETURNS void LANGUAGE sql AS $$ SELECT hide.step_1() $$;
CREATE PROCEDURE hide.step_3() LANGUAGE plpgsql AS $$ BEGIN PERFORM hide.step_2(); END $$;
-- reach: SELECT hide.step_1()
-- reach: SELECT hide.step_2()
-- reach: CALL hide.step_3()
CREATE FUNCTION hide."Größe des Objekts"() RETURNS oid LANGUAGE sql AS $$ SELECT hide.makes_object() $$;
-- reach: SELECT hide."Größe des Objekts"()

-- Operators.
CREATE FUNCTION hide.op_made(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN $1; END $$;
CREATE OPERATOR hide.|>| (LEFTARG = int, RIGHTARG = int, FUNCTION = hide.op_made, COMMUTATOR = OPERATOR(hide.|<|));
CREATE OPERATOR hide.|<| (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl, COMMUTATOR = OPERATOR(hide.|>|));
-- reach: SELECT 1 OPERATOR(hide.|>|) 2
-- reach, untold (only where the planner turns it round): SELECT 1 OPERATOR(hide.|<|) id FROM hide.plain
CREATE OPERATOR hide.@@@> (RIGHTARG = oid, FUNCTION = lo_create);
-- reach: SELECT OPERATOR(hide.@@@>) 0::oid
CREATE FUNCTION hide.closest(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN $1; END $$;
CREATE OPERATOR hide.## (LEFTARG = text, RIGHTARG = text, FUNCTION = hide.closest);
-- reach: SELECT 'a'::text OPERATOR(hide.##) 'b'
CREATE VIEW hide.over_operator AS SELECT id OPERATOR(hide.|>|) 1 AS made FROM hide.plain;
-- reach: SELECT * FROM hide.over_operator
CREATE TYPE hide.money_like AS (amount int, currency text);
CREATE FUNCTION hide.money_add(hide.money_like, hide.money_like) RETURNS hide.money_like LANGUAGE plpgsql AS $$
BEGIN PERFORM lo_create(0); RETURN $1; END $$;
CREATE OPERATOR hide.+ (LEFTARG = hide.money_like, RIGHTARG = hide.money_like, FUNCTION = hide.money_add);
CREATE TABLE hide.prices (price hide.money_like, prices hide.money_like[]);
INSERT INTO hide.prices VALUES (ROW(1, 'EUR'), '{}');
CREATE FUNCTION hide.a_price() RETURNS hide.money_like LANGUAGE sql AS $$ SELECT ROW(1, 'EUR')::hide.money_like $$;
-- reach: SELECT a.price OPERATOR(hide.+) a.price FROM hide.prices a
-- reach: SELECT hide.a_price() OPERATOR(hide.+) hide.a_price()
-- reach: SELECT '(1,EUR)'::hide.money_like OPERATOR(hide.+) '(1,EUR)'

-- Casts.
CREATE TYPE hide.token AS (secret text);
CREATE FUNCTION hide.token_text(hide.token) RETURNS text LANGUAGE plpgsql AS $$
BEGIN PERFORM lo_create(0); RETURN ($1).secret; END $$;
CREATE CAST (hide.token AS text) WITH FUNCTION hide.token_text(hide.token) AS IMPLICIT;
CREATE TABLE hide.tokens (t hide.token);
INSERT INTO hide.tokens VALUES (ROW('x'));
-- reach: SELECT t::text FROM hide.tokens
-- reach: SELECT upper(ROW('x')::hide.token)
CREATE FUNCTION hide.line_int(line) RETURNS int LANGUAGE sql AS $$ SELECT lo_create(0)::int8::int $$;
CREATE CAST (line AS int) WITH FUNCTION hide.line_int(line);
-- reach: SELECT CAST(line '{1,2,3}' AS integer)
-- reach: SELECT line '{1,2,3}'::int4

-- Aggregates.
CREATE FUNCTION hide.agg_step(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN $2; END $$;
CREATE AGGREGATE hide.last_of (int) (SFUNC = hide.agg_step, STYPE = int);
-- reach: SELECT hide.last_of(id) FROM hide.plain

-- Domains.
CREATE FUNCTION hide.is_fine(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN true; END $$;
CREATE DOMAIN hide.fine_text AS text CHECK (hide.is_fine(VALUE));
CREATE DOMAIN hide.finer_text AS hide.fine_text;
CREATE TABLE hide.fines (f hide.finer_text);
-- reach: SELECT 'x'::hide.fine_text
-- reach: SELECT CAST('x' AS hide.finer_text)
-- reach: SELECT '{x}'::hide.fine_text[]
-- reach: SELECT * FROM json_populate_record(NULL::hide.fines, '{"f": "x"}')
CREATE DOMAIN hide.direct_domain AS int CHECK (lo_create(0) <> 0);
-- reach: SELECT 1::hide.direct_domain

-- Row security.
CREATE FUNCTION hide.may_see(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN true; END $$;
CREATE TABLE hide.guarded_rows (id int);
INSERT INTO hide.guarded_rows VALUES (1);
ALTER TABLE hide.guarded_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE hide.guarded_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON hide.guarded_rows FOR SELECT USING (hide.may_see(id));
-- reach, untold (a superuser sees all rows): SELECT * FROM hide.guarded_rows

-- Rules that turn a write into something else.
CREATE VIEW hide.inbox AS SELECT id FROM hide.plain;
CREATE RULE taken AS ON INSERT TO hide.inbox DO INSTEAD SELECT lo_create(0);
-- reach, untold (these servers refuse the INSERT itself): INSERT INTO hide.inbox VALUES (3)
CREATE TABLE hide.bells (id int);
CREATE RULE rings AS ON INSERT TO hide.bells DO INSTEAD NOTIFY hidden;
-- reach: INSERT INTO hide.bells VALUES (3)
CREATE FUNCTION hide.rings_parsed() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO hide.bells VALUES (4); END;
-- reach: SELECT hide.rings_parsed()
CREATE FUNCTION hide.rings_quoted() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hide.bells VALUES (5); END $$;
-- reach: SELECT hide.rings_quoted()
CREATE VIEW hide.bells_seen AS SELECT id FROM hide.bells;
-- reach: INSERT INTO hide.bells_seen VALUES (3)

-- Expressions without columns are run when a statement over the table is planned.
CREATE FUNCTION hide.constant_id(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT $1 $$;
CREATE TABLE hide.planned (id int, CHECK (id > hide.constant_id(0)));
CREATE TABLE hide.planned_index (id int);
CREATE INDEX planned_index_at ON hide.planned_index ((id + hide.constant_id(0)));
CREATE OR REPLACE FUNCTION hide.constant_id(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN PERFORM lo_create(0); RETURN $1; END $$;
-- reach: SELECT id FROM hide.planned WHERE id > 0
-- reach: SELECT id FROM hide.planned_index

-- Operator classes: what sorts and groups.
CREATE TYPE hide.ranked AS (rank int);
CREATE FUNCTION hide.ranked_lt(hide.ranked, hide.ranked) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1.rank < $2.rank $$;
CREATE FUNCTION hide.ranked_cmp(hide.ranked, hide.ranked) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM lo_create(0); RETURN 0; END $$;
CREATE FUNCTION hide.ranked_eq(hide.ranked, hide.ranked) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1.rank = $2.rank $$;
CREATE FUNCTION hide.ranked_gt(hide.ranked, hide.ranked) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1.rank > $2.rank $$;
CREATE OPERATOR hide.<<<< (LEFTARG = hide.ranked, RIGHTARG = hide.ranked, FUNCTION = hide.ranked_lt);
CREATE OPERATOR hide.==== (LEFTARG = hide.ranked, RIGHTARG = hide.ranked, FUNCTION = hide.ranked_eq);
CREATE OPERATOR hide.>>>> (LEFTARG = hide.ranked, RIGHTARG = hide.ranked, FUNCTION = hide.ranked_gt);
CREATE OPERATOR CLASS hide.ranked_ops DEFAULT FOR TYPE hide.ranked USING btree AS
    OPERATOR 1 hide.<<<<, OPERATOR 3 hide.====, OPERATOR 5 hide.>>>>, FUNCTION 1 hide.ranked_cmp(hide.ranked, hide.ranked);
CREATE TABLE hide.ranks (r hide.ranked);
INSERT INTO hide.ranks VALUES (ROW(1)), (ROW(2)), (ROW(3));
-- reach: SELECT r FROM hide.ranks ORDER BY r
CREATE FUNCTION hide.int_lt(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1 < $2 $$;
CREATE FUNCTION hide.int_cmp(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM lo_create(0); RETURN 0; END $$;
CREATE OPERATOR hide.<#### (LEFTARG = int, RIGHTARG = int, FUNCTION = hide.int_lt);
CREATE OPERATOR hide.=#### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR hide.>#### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt);
CREATE OPERATOR CLASS hide.int_ops FOR TYPE int USING btree AS
    OPERATOR 1 hide.<####, OPERATOR 3 hide.=####, OPERATOR 5 hide.>####, FUNCTION 1 hide.int_cmp(int, int);
-- reach: SELECT n FROM (VALUES (2), (1)) AS v(n) ORDER BY n USING OPERATOR(hide.<####)
CREATE TABLE hide.sorted (n int);
CREATE INDEX ON hide.sorted (n hide.int_ops);
-- reach, untold (only where the planner takes the index): SELECT n FROM hide.sorted

-- Rows that come from elsewhere (this wrapper cannot fetch any); partitions and children bring their parents along.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE hide.far (id int) SERVER elsewhere;
CREATE TABLE hide.years (y int, id int) PARTITION BY LIST (y);
CREATE TABLE hide.years_2 PARTITION OF hide.years FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE FOREIGN TABLE hide.years_2_1 PARTITION OF hide.years_2 FOR VALUES IN (1) SERVER elsewhere;
CREATE TABLE hide.parent (id int);
CREATE FOREIGN TABLE hide.child () INHERITS (hide.parent) SERVER elsewhere;
CREATE VIEW hide.over_years AS SELECT y FROM hide.years;
-- reach, untold (this wrapper fetches nothing): SELECT * FROM hide.far
-- reach, untold (this wrapper fetches nothing): SELECT count(*) FROM hide.years
-- reach, untold (this wrapper fetches nothing): SELECT count(*) FROM hide.parent
-- reach, untold (this wrapper fetches nothing): SELECT * FROM hide.over_years

-- Functions of extensions that the lexer refuses by name.
CREATE EXTENSION tablefunc;
CREATE TABLE hide.tree (id text, above text);
INSERT INTO hide.tree VALUES ('1', NULL), ('2', '1');
CREATE VIEW hide.over_connectby AS
    SELECT * FROM connectby('hide.tree', 'id', 'above', '1', 0) AS t(id text, above text, level int);
-- reach, untold (it runs what others put into a name): SELECT * FROM hide.over_connectby
CREATE FUNCTION hide.over_crosstab(q text) RETURNS bigint LANGUAGE sql BEGIN ATOMIC
SELECT count(*) FROM crosstab(q) AS t(id oid, a int); END;
-- reach: SELECT hide.over_crosstab('SELECT lo_create(0), 1, 2')

-- The only code that runs unasked. (It does no harm here, so that tests can log in.)
DO $do$ BEGIN
    CREATE FUNCTION hide.greets() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN EXECUTE 'SELECT ' || 1; END $$;
    CREATE EVENT TRIGGER greets ON login EXECUTE FUNCTION hide.greets();
EXCEPTION WHEN syntax_error OR invalid_parameter_value OR feature_not_supported THEN NULL; -- before 17
END $do$;

-- A temporary table may still be written: its defaults, checks, indexes and triggers run.
CREATE FUNCTION hide.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN NEW; END $$;
CREATE FUNCTION hide.indexed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM lo_create(0); RETURN $1; END $$;
-- before: CREATE TEMPORARY TABLE temp_default (id int, made oid DEFAULT hide.makes_object())
-- reach: INSERT INTO temp_default (id) VALUES (1)
-- before: CREATE TEMPORARY TABLE temp_direct (id int, made oid DEFAULT lo_create(0))
-- reach: INSERT INTO temp_direct (id) VALUES (1)
-- before: CREATE TEMPORARY TABLE temp_trigger (id int)
-- before: CREATE TRIGGER fires BEFORE INSERT ON temp_trigger FOR EACH ROW EXECUTE FUNCTION hide.fires()
-- reach: INSERT INTO temp_trigger VALUES (1)
-- before: CREATE TEMPORARY TABLE temp_check (name text CHECK (hide.is_fine(name)))
-- reach: INSERT INTO temp_check VALUES ('x')
-- before: CREATE TEMPORARY TABLE temp_index (id int)
-- before: CREATE INDEX ON temp_index (hide.indexed(id))
-- reach: INSERT INTO temp_index VALUES (1)
-- before: CREATE TEMPORARY VIEW temp_view AS SELECT id FROM temp_trigger
-- reach: INSERT INTO temp_view VALUES (1)

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA hide TO PUBLIC;

-- A database with several hundred routines, views and other objects as applications have them, none of which hides
-- anything: its audit must find nothing, in one question. Run as a superuser in an empty database (psql -1 or one
-- simple query; no psql commands).
--
--   -- before: SQL         the client runs it before the lull (its own temporary tables)
--   -- reach: SQL          must run in a lull

CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION btree_gist;
CREATE EXTENSION btree_gin;
CREATE EXTENSION intarray;
CREATE EXTENSION ltree;
CREATE EXTENSION unaccent;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION cube;
CREATE EXTENSION earthdistance;
CREATE EXTENSION isn;
CREATE EXTENSION seg;
CREATE EXTENSION tablefunc;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION moddatetime;
CREATE EXTENSION lo;
CREATE EXTENSION amcheck;
CREATE EXTENSION pg_prewarm;
CREATE EXTENSION pg_buffercache;
CREATE EXTENSION pgstattuple;
-- Needs a library that not every build has.
DO $$ BEGIN CREATE EXTENSION "uuid-ossp"; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'no uuid-ossp'; END $$;

CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;

-- Tables with what tables have.
CREATE DOMAIN shop.email AS citext CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE TYPE shop.state AS ENUM ('cart', 'paid', 'sent');
CREATE TYPE shop.price AS (amount numeric, currency text);
CREATE TABLE shop.customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    email shop.email UNIQUE,
    name text NOT NULL CHECK (length(trim(name)) > 0),
    attributes hstore DEFAULT ''::hstore,
    created timestamptz NOT NULL DEFAULT now(),
    changed timestamptz DEFAULT clock_timestamp(),
    luck double precision DEFAULT random(),
    owner text DEFAULT current_setting('app.user', true)
);
CREATE TABLE shop.item (id serial PRIMARY KEY, path ltree, tags int[], at cube, name text, cost numeric(10, 2),
    total numeric GENERATED ALWAYS AS (cost * 2) STORED);
CREATE TABLE shop.orders (id serial, customer bigint REFERENCES shop.customer, state shop.state DEFAULT 'cart', placed date NOT NULL,
    price shop.price, during tstzrange, EXCLUDE USING gist (customer WITH =, during WITH &&)) ;
CREATE TABLE shop.event (id bigserial, at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE shop.event_1 PARTITION OF shop.event FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.event_2 PARTITION OF shop.event FOR VALUES FROM ('2021-01-01') TO ('2030-01-01');
CREATE TABLE shop.log (id bigserial, at timestamptz, note text);
CREATE INDEX ON shop.customer (lower(name));
CREATE INDEX ON shop.customer USING gin (name gin_trgm_ops);
CREATE INDEX ON shop.item USING gist (path);
CREATE INDEX ON shop.item USING gin (tags gin__int_ops);
CREATE STATISTICS shop.item_names ON (lower(name)), path FROM shop.item;
INSERT INTO shop.customer (email, name) VALUES ('a@example.org', 'Ada'), ('b@example.org', 'Bob');
INSERT INTO shop.item (path, tags, name, cost) VALUES ('a.b', '{1,2}', 'Lamp', 10);
INSERT INTO shop.event (at, what) VALUES ('2020-05-05', 'start'), ('2022-02-02', 'end');

-- Routines that talk about dangerous things and do none.
CREATE FUNCTION shop.talks() RETURNS text LANGUAGE plpgsql AS $body$
-- EXECUTE format('DROP TABLE %I', x); SET default_transaction_read_only = off
/* PERFORM lo_create(0); NOTIFY x; /* nested: VACUUM */ */
DECLARE
    message text := 'EXECUTE nothing; VACUUM; SELECT lo_create(0); it''s read write';
    explain text; cluster int := 1; prepare_time interval; checkpoint_at int := 2;
BEGIN
    RAISE NOTICE 'about to EXECUTE % and ANALYZE %', message, cluster;
    IF message LIKE '%VACUUM%' THEN message := message || ' pg_notify()'; END IF;
    explain := 'analyze';
    RETURN explain || E'\tSET TRANSACTION\\' || $q$ NOTIFY 'x' $q$;
END $body$;
-- reach: SELECT shop.talks()
CREATE FUNCTION shop.pieces(path text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN string_to_array(replace(path, '\', '/'), '/'); END $$;
-- reach: SELECT shop.pieces('a\b/c')
CREATE FUNCTION shop.matches(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT t ~ '^\d+\.\w*$' AND t <> '\' $$;
-- reach: SELECT shop.matches('1.x')
CREATE FUNCTION shop.asks() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('transaction_read_only') $$;
-- reach: SELECT shop.asks()
CREATE FUNCTION shop.as_user(who text) RETURNS text LANGUAGE sql AS $$ SELECT set_config('app.user', who, true) $$;
-- reach: SELECT shop.as_user('ada')
CREATE FUNCTION shop.loops(n int) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE r record; i int; c CURSOR (k int) FOR SELECT id FROM shop.item WHERE id < k;
BEGIN
    FOR i IN 1..n LOOP
        CONTINUE WHEN i % 2 = 0;
        RETURN NEXT i;
    END LOOP;
    FOR r IN SELECT id FROM shop.customer ORDER BY id LOOP RETURN NEXT r.id; END LOOP;
    FOREACH i IN ARRAY ARRAY[1, 2] LOOP RETURN NEXT i; END LOOP;
    FOR r IN c(10) LOOP RETURN NEXT r.id; END LOOP;
    <<outer>> WHILE true LOOP EXIT outer; END LOOP;
    CASE n WHEN 1 THEN NULL; WHEN 2, 3 THEN RETURN NEXT 9; ELSE PERFORM 1; END CASE;
    RETURN QUERY SELECT 1;
EXCEPTION WHEN division_by_zero OR unique_violation THEN
    RAISE WARNING 'no: % %', SQLERRM, SQLSTATE USING HINT = 'EXECUTE it again';
WHEN OTHERS THEN
    GET DIAGNOSTICS i = ROW_COUNT;
    RAISE;
END $$;
ALTER FUNCTION shop.loops(int) SET search_path = shop, pg_temp;
-- reach: SELECT count(*) FROM shop.customer WHERE name LIKE 'A%'
CREATE FUNCTION shop.adds(c text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET work_mem = '8MB' AS $$
DECLARE new_id bigint;
BEGIN
    INSERT INTO shop.customer (name) VALUES (c) RETURNING id INTO new_id;
    UPDATE shop.item SET name = c WHERE id = new_id;
    DELETE FROM shop.log WHERE id = new_id;
    RETURN nextval('shop.log_id_seq');
END $$;
CREATE PROCEDURE shop.tidies() LANGUAGE plpgsql AS $$
BEGIN FOR i IN 1..3 LOOP DELETE FROM shop.log WHERE id = i; COMMIT; END LOOP; END $$;
CREATE FUNCTION shop.fixed() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM shop.item' INTO n; RETURN n; END $$;
-- reach: SELECT shop.fixed()
CREATE FUNCTION shop.parsed(c bigint DEFAULT 1) RETURNS text LANGUAGE sql BEGIN ATOMIC
    SELECT name FROM shop.customer WHERE id = c; END;
-- reach: SELECT shop.parsed()
CREATE FUNCTION shop.parsed_config() RETURNS text LANGUAGE sql IMMUTABLE RETURN upper('set_config');
-- reach: SELECT shop.parsed_config()

-- Triggers, even careless ones: nothing fires them while tables cannot be written.
CREATE FUNCTION shop.logs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO shop.%I (note) VALUES ($1)', TG_ARGV[0]) USING TG_TABLE_NAME || TG_OP;
    PERFORM pg_notify('changes', row_to_json(NEW)::text);
    RETURN NEW;
END $$;
CREATE TRIGGER logs AFTER INSERT OR UPDATE ON shop.customer FOR EACH ROW EXECUTE FUNCTION shop.logs('log');
CREATE FUNCTION shop.stamps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed := now();
    IF TG_OP = 'UPDATE' AND NEW.name IS DISTINCT FROM OLD.name THEN
        INSERT INTO shop.log (at, note) VALUES (now(), OLD.name);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stamps BEFORE INSERT OR UPDATE ON shop.customer FOR EACH ROW WHEN (NEW.name <> '') EXECUTE FUNCTION shop.stamps();
CREATE FUNCTION shop.watches() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || 1; END $$;
CREATE EVENT TRIGGER watches ON ddl_command_end WHEN TAG IN ('DROP AGGREGATE') EXECUTE FUNCTION shop.watches();

-- Operators, casts, aggregates, policies, rules, foreign data wrappers without tables.
CREATE FUNCTION shop.price_add(shop.price, shop.price) RETURNS shop.price LANGUAGE sql IMMUTABLE AS
    $$ SELECT ROW($1.amount + $2.amount, $1.currency)::shop.price $$;
CREATE OPERATOR shop.+ (LEFTARG = shop.price, RIGHTARG = shop.price, FUNCTION = shop.price_add);
CREATE AGGREGATE shop.sum (shop.price) (SFUNC = shop.price_add, STYPE = shop.price);
CREATE FUNCTION shop.price_text(shop.price) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.amount || ' ' || $1.currency $$;
CREATE CAST (shop.price AS text) WITH FUNCTION shop.price_text(shop.price) AS ASSIGNMENT;
-- reach: SELECT ROW(1, 'EUR')::shop.price OPERATOR(shop.+) ROW(2, 'EUR')::shop.price
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders USING (customer::text = current_setting('app.customer', true));
-- reach: SELECT count(*) FROM shop.orders
CREATE VIEW shop.names AS SELECT id, name FROM shop.customer;
CREATE RULE renames AS ON UPDATE TO shop.names DO INSTEAD UPDATE shop.customer SET name = NEW.name WHERE id = OLD.id;
-- reach: SELECT name FROM shop.names
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE shop.hosts (line text) SERVER files OPTIONS (filename '/etc/hosts');
CREATE MATERIALIZED VIEW shop.stored AS SELECT count(*) AS n FROM shop.customer;
-- reach: SELECT n FROM shop.stored
CREATE VIEW shop.settings_count AS SELECT count(*) AS n FROM pg_catalog.pg_settings;
-- reach: SELECT n FROM shop.settings_count
-- reach: SELECT similarity(name, 'Eda'), unaccent(name), digest(name, 'sha256') FROM shop.customer

-- Numbers: three hundred functions, as many views upon them, fifty triggers.
DO $do$
BEGIN
    FOR i IN 1..300 LOOP
        EXECUTE format($f$CREATE FUNCTION shop.f_%1$s(a int, b text DEFAULT 'x') RETURNS SETOF text LANGUAGE plpgsql STABLE AS $b$
            DECLARE total numeric := 0; rec shop.item%%ROWTYPE; label text;
            BEGIN
                -- step %1$s: EXECUTE the plan, then ANALYZE the outcome
                SELECT coalesce(sum(cost), 0) INTO STRICT total FROM shop.item WHERE id > a;
                FOR rec IN SELECT * FROM shop.item WHERE name ILIKE '%%' || b || '%%' LOOP
                    label := format('%%s: %%I', rec.name, 'set');
                    IF label IS NULL THEN RAISE EXCEPTION 'nothing to EXECUTE in %%', a; END IF;
                    RETURN NEXT label;
                END LOOP;
                RETURN;
            EXCEPTION WHEN no_data_found THEN RETURN;
            END $b$ $f$, i);
        EXECUTE format('CREATE FUNCTION shop.g_%1$s(a int) RETURNS bigint LANGUAGE sql AS
            $b$ SELECT count(*) FROM shop.f_%1$s(a) AS t WHERE t <> ''VACUUM'' $b$', i);
        EXECUTE format('CREATE VIEW shop.v_%1$s AS SELECT c.id, c.name, shop.g_%1$s(1) AS n, upper(c.name) AS big, i.cost,
            (SELECT max(at) FROM shop.event e WHERE e.id = c.id) AS last, now() - c.created AS age
            FROM shop.customer c LEFT JOIN shop.item i ON i.id = c.id
            WHERE c.name ~* ''^[a-z]'' OR c.attributes ? ''vip''', i);
    END LOOP;
    FOR i IN 1..50 LOOP
        EXECUTE format('CREATE TABLE shop.t_%1$s (id serial PRIMARY KEY, note text DEFAULT ''SET x'', changed timestamptz)', i);
        EXECUTE format('CREATE TRIGGER logs AFTER INSERT ON shop.t_%1$s FOR EACH ROW EXECUTE FUNCTION shop.logs(''log'')', i);
        EXECUTE format('CREATE TRIGGER changed BEFORE UPDATE ON shop.t_%1$s FOR EACH ROW EXECUTE FUNCTION moddatetime(changed)', i);
    END LOOP;
END $do$;
-- reach: SELECT * FROM shop.f_7(0, 'lamp')
-- reach: SELECT shop.g_300(1)
-- reach: SELECT id, n, big FROM shop.v_42

-- A temporary table with what an honest one has.
CREATE FUNCTION shop.trims() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := trim(NEW.name); RETURN NEW; END $$;
-- before: CREATE TEMPORARY TABLE basket (id serial, name text DEFAULT upper('x') CHECK (length(name) < 99), at timestamptz DEFAULT now())
-- before: CREATE INDEX ON basket (lower(name))
-- before: CREATE TRIGGER trims BEFORE INSERT ON basket FOR EACH ROW EXECUTE FUNCTION shop.trims()
-- reach: INSERT INTO basket (name) VALUES (' lamp ')
-- reach: SELECT name FROM basket

-- Texts that are run, and are constants that read.
CREATE FUNCTION shop.pivot() RETURNS TABLE (name text, one int) LANGUAGE sql STABLE AS $$
SELECT * FROM crosstab('SELECT ''lamp''::text, 1, 2') AS c (name text, one int) $$;
-- reach: SELECT * FROM shop.pivot()
CREATE VIEW shop.pivoted AS SELECT * FROM crosstab('SELECT ''lamp''::text, 1, 2') AS c (name text, one int);
-- reach: SELECT * FROM shop.pivoted

GRANT SELECT ON ALL TABLES IN SCHEMA shop TO PUBLIC;

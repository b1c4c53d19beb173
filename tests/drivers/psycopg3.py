"""psycopg 3 and its pool. See checks.py for how this is called."""

import threading
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import ConnectionPool

from checks import READ_ONLY, WRITES, arguments, check, equal, finish, say, wait_for

TABLE = "driver_psycopg3"


def value(conn, sql, parameters=None, **options):
    return conn.execute(sql, parameters, **options).fetchone()[0]


@contextmanager
def refused(conn, sqlstate):
    """The block must fail with this SQLSTATE and leave the connection open."""
    try:
        with conn.transaction():
            yield
    except psycopg.Error as error:
        equal(error.sqlstate, sqlstate)
        equal(conn.closed, False)
        equal(conn.broken, False)
    else:
        raise AssertionError(f"not refused, expected {sqlstate}")


def create_table(dsn):
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(f"DROP TABLE IF EXISTS {TABLE}")
        conn.execute(f"CREATE TABLE {TABLE} (id serial PRIMARY KEY, v text)")
        conn.execute(f"INSERT INTO {TABLE} (v) SELECT 'row ' || n FROM generate_series(1, 1000) n")


def normal(dsn):
    create_table(dsn)
    with psycopg.connect(dsn) as conn:
        with check("simple protocol"):
            cursor = psycopg.ClientCursor(conn)
            equal(cursor.execute("SELECT %s::int + 1", (41,)).fetchone(), (42,))
            results = conn.execute("SELECT 1; SELECT 'two'")
            equal(results.fetchone(), (1,))
            equal(results.nextset(), True)
            equal(results.fetchone(), ("two",))
        with check("extended protocol, text and binary"):
            equal(value(conn, "SELECT %s::text", ("snow ☃",)), "snow ☃")
            equal(conn.execute("SELECT %b::bytea", (bytes(range(256)),), binary=True).fetchone(), (bytes(range(256)),))
        with check("named prepared statements"):
            for number in range(20):
                equal(value(conn, "SELECT %s::int * 2", (number,), prepare=True), number * 2)
            equal(value(conn, "SELECT count(*) > 0 FROM pg_prepared_statements"), True)
        conn.commit()
        with check("pipeline"):
            with conn.pipeline() as pipeline:
                cursors = [conn.execute("SELECT %s::int", (number,)) for number in range(200)]
                pipeline.sync()
                equal([cursor.fetchone()[0] for cursor in cursors], list(range(200)))
        conn.commit()
        with check("an error in a pipeline ends the pipeline, not the connection"):
            try:
                with conn.pipeline():
                    conn.execute("SELECT 1/0")
                    conn.execute("SELECT 1")
            except errors.DivisionByZero:
                conn.rollback()
            equal(value(conn, "SELECT 5"), 5)
        with check("errors keep the connection"):
            for sql, sqlstate in [("SELEC", "42601"), ("SELECT 1/0", "22012"), ("SELECT * FROM nowhere", "42P01")]:
                with refused(conn, sqlstate):
                    conn.execute(sql)
            equal(value(conn, "SELECT 1"), 1)
        with check("COPY in and out"):
            with conn.cursor().copy(f"COPY {TABLE} (v) FROM STDIN") as copy:
                for number in range(20000):
                    copy.write_row((f"copied {number}",))
            with conn.cursor().copy(f"COPY {TABLE} (v) TO STDOUT (FORMAT binary)") as copy:
                copy.set_types(["text"])
                equal(sum(1 for _ in copy.rows()), 21000)
            conn.rollback()
        with check("COPY in that the client gives up"):
            with refused(conn, "57014"):
                with conn.cursor().copy(f"COPY {TABLE} (v) FROM STDIN") as copy:
                    copy.write_row(("x",))
                    raise errors.QueryCanceled("given up")
            equal(value(conn, "SELECT 1"), 1)
        with check("server-side cursor"):
            with conn.cursor(name="walk") as cursor:
                cursor.itersize = 100
                cursor.execute(f"SELECT id FROM {TABLE} ORDER BY id")
                equal(sum(1 for _ in cursor), 1000)
            conn.commit()
        with check("large rows"):
            equal(len(value(conn, "SELECT repeat('x', 20000000)")), 20_000_000)
            equal(value(conn, "SELECT length(%s)", ("y" * 10_000_000,)), 10_000_000)
            conn.commit()
        with check("notices"):
            heard = []
            conn.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary))
            conn.execute("DO $$ BEGIN RAISE NOTICE 'hear this'; END $$")
            equal(heard, ["hear this"])
            conn.commit()
    notifications_and_cancel(dsn)
    pool_gives_connections_back(dsn)


def notifications_and_cancel(dsn):
    with psycopg.connect(dsn, autocommit=True) as conn, psycopg.connect(dsn, autocommit=True) as other:
        with check("NOTIFY reaches an idle listener"):
            conn.execute("LISTEN driver")
            other.execute("SELECT pg_notify('driver', 'hello')")
            heard = [(note.channel, note.payload, note.pid) for note in conn.notifies(timeout=10, stop_after=1)]
            equal(heard, [("driver", "hello", other.info.backend_pid)])
        for protocol in ["3.0", "latest"]:
            with check(f"cancel, protocol {protocol}"):
                with psycopg.connect(dsn, autocommit=True, max_protocol_version=protocol) as busy:
                    canceller = threading.Thread(target=cancel_when_running, args=(busy, other))
                    canceller.start()
                    with refused(busy, "57014"):
                        busy.execute("SELECT pg_sleep(30)")
                    canceller.join()
                    equal(value(busy, "SELECT 1"), 1)


def cancel_when_running(busy, other):
    running = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND query ~ 'pg_sleep'"
    while not value(other, running, (busy.info.backend_pid,)):
        pass
    busy.cancel_safe()


def pool_gives_connections_back(dsn):
    with check("pool"):
        with ConnectionPool(dsn, min_size=2, max_size=2) as pool:
            pool.wait(10)
            pids = set()
            for _ in range(20):
                with pool.connection() as conn:
                    pids.add(conn.info.backend_pid)
                    equal(value(conn, f"SELECT count(*) FROM {TABLE}"), 1000)
            equal(len(pids) <= 2, True)
            equal(pool.get_stats().get("connections_lost", 0), 0)


def lull(dsn):
    create_table(dsn)
    pool = ConnectionPool(dsn, min_size=3, max_size=3, kwargs={"autocommit": True}, open=True)
    pool.wait(10)
    listener = psycopg.connect(dsn, autocommit=True)
    listener.execute("LISTEN driver")
    conns = [pool.getconn() for _ in range(3)]
    for conn in conns:
        conn.execute("CREATE TEMP TABLE own (n int)")
        conn.execute("INSERT INTO own VALUES (1)")
        conn.execute("SET work_mem = '7777kB'")
        value(conn, "SELECT pg_advisory_lock_shared(4711)::text")
        conn.execute(f"INSERT INTO {TABLE} (v) VALUES (%s)", ("before",), prepare=True)
    pids = [conn.info.backend_pid for conn in conns]
    for conn in conns:
        pool.putconn(conn)
    # The pool's connections forget their statements: after a ROLLBACK, psycopg sends DEALLOCATE ALL.
    keeper = psycopg.connect(dsn, autocommit=True)
    keeper.execute(f"PREPARE reading AS SELECT count(*) FROM {TABLE}")
    keeper.execute(f"PREPARE writing AS INSERT INTO {TABLE} (v) VALUES ('prepared')")
    wisher = psycopg.connect(dsn, autocommit=True)
    wisher.execute("SET default_transaction_read_only = on")
    say("ready")
    wait_for("lull on")
    in_lull(dsn, pool, pids)
    with check("statements prepared before the lull read and are refused"):
        equal(value(keeper, "EXECUTE reading"), 1003)
        try:
            keeper.execute("EXECUTE writing")
            raise AssertionError("EXECUTE writing was not refused")
        except errors.ReadOnlySqlTransaction:
            equal(value(keeper, "EXECUTE reading"), 1003)
    say("done")
    wait_for("lull off")
    with check("statements prepared before the lull write again"):
        keeper.execute("EXECUTE writing")
        equal(value(keeper, "EXECUTE reading"), 1004)
    after_lull(pool, pids)
    with check("the listener still listens"):
        with pool.connection() as conn:
            conn.execute("NOTIFY driver, 'back'")
        equal([note.payload for note in listener.notifies(timeout=10, stop_after=1)], ["back"])
    with check("who wished to be read-only before the lull still is, until the wish ends"):
        equal(value(wisher, "SHOW default_transaction_read_only"), "on")
        with refused(wisher, READ_ONLY):
            wisher.execute(f"DELETE FROM {TABLE}")
        wisher.execute("RESET default_transaction_read_only")
        wisher.execute(f"DELETE FROM {TABLE}")
    for conn in (wisher, keeper):
        conn.close()
    listener.close()
    pool.close()


def in_lull(dsn, pool, pids):
    conns = [pool.getconn() for _ in range(3)]
    with check("the pool kept its connections"):
        equal(sorted(conn.info.backend_pid for conn in conns), sorted(pids))
    for number, conn in enumerate(conns):
        with check(f"connection {number} refuses writes and stays"):
            for sql in WRITES:
                with refused(conn, READ_ONLY):
                    conn.execute(sql.format(t=TABLE))
                with refused(conn, READ_ONLY):
                    psycopg.ClientCursor(conn).execute(sql.format(t=TABLE))
            with refused(conn, READ_ONLY):
                conn.execute(f"INSERT INTO {TABLE} (v) VALUES (%s)", ("in",), prepare=True)
            with refused(conn, READ_ONLY):
                with conn.cursor().copy(f"COPY {TABLE} (v) FROM STDIN") as copy:
                    copy.write_row(("x",))
            with refused(conn, READ_ONLY):
                with conn.pipeline():
                    conn.execute("SELECT 1")
                    conn.execute(f"DELETE FROM {TABLE}")
        with check(f"connection {number} reads"):
            equal(value(conn, f"SELECT count(*) FROM {TABLE}"), 1003)
            equal(value(conn, "SHOW work_mem"), "7777kB")
            with conn.transaction(), conn.cursor(name="walk") as cursor:
                equal(sum(1 for _ in cursor.execute(f"SELECT id FROM {TABLE}")), 1003)
            with conn.cursor().copy(f"COPY {TABLE} TO STDOUT") as copy:
                equal(sum(1 for _ in copy.rows()), 1003)
        with check(f"connection {number} writes to its own temporary table"):
            conn.execute("INSERT INTO own VALUES (2)")
    for conn in conns:
        pool.putconn(conn)
    with check("the pool has lost nothing"):
        equal(pool.get_stats().get("connections_lost", 0), 0)
    with check("a new connection is read-only from the start"):
        with psycopg.connect(dsn) as conn:
            equal(value(conn, "SHOW transaction_read_only"), "on")
        with psycopg.connect(dsn, target_session_attrs="read-only") as conn:
            equal(value(conn, "SELECT 1"), 1)


def after_lull(pool, pids):
    conns = [pool.getconn() for _ in range(3)]
    with check("the same connections as before the lull"):
        equal(sorted(conn.info.backend_pid for conn in conns), sorted(pids))
    for number, conn in enumerate(conns):
        with check(f"connection {number} is as before"):
            conn.execute(f"INSERT INTO {TABLE} (v) VALUES (%s)", ("after",), prepare=True)
            equal(value(conn, "SELECT sum(n) FROM own"), 3)
            equal(value(conn, "SHOW work_mem"), "7777kB")
            equal(value(conn, "SHOW default_transaction_read_only"), "off")
            equal(value(conn, "SELECT pg_advisory_unlock_shared(4711)"), True)
    with check("nothing was written in the lull"):
        equal(value(conns[0], f"SELECT count(*) FROM {TABLE}"), 1007)
    for conn in conns:
        pool.putconn(conn)


dsn, in_a_lull = arguments()
(lull if in_a_lull else normal)(dsn)
finish()

"""psycopg 2: simple protocol, large objects through FunctionCall, two-phase commit. See checks.py for how this is called."""

import io
import threading

import psycopg2
import psycopg2.extensions
from psycopg2.pool import ThreadedConnectionPool

from checks import READ_ONLY, WRITES, arguments, check, equal, finish, say, wait_for

TABLE = "driver_psycopg2"


def value(conn, sql, parameters=None):
    with conn.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def run(conn, sql, parameters=None):
    with conn.cursor() as cursor:
        cursor.execute(sql, parameters)


def refused(conn, sqlstate, action):
    """The action must fail with this SQLSTATE and leave the connection open; its transaction is rolled back."""
    try:
        action()
        conn.commit()
    except psycopg2.Error as error:
        equal(error.pgcode, sqlstate)
        equal(conn.closed, 0)
        conn.rollback()
    else:
        raise AssertionError(f"not refused, expected {sqlstate}")


def create_table(dsn):
    """The oid of a large object that says hello."""
    conn = psycopg2.connect(dsn)
    run(conn, f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (id serial PRIMARY KEY, v text)")
    run(conn, f"INSERT INTO {TABLE} (v) SELECT 'row ' || n FROM generate_series(1, 1000) n")
    large = conn.lobject(0, "wb")
    large.write(b"hello" * 100_000)
    large.close()
    conn.commit()
    conn.close()
    return large.oid


def normal(dsn):
    oid = create_table(dsn)
    conn = psycopg2.connect(dsn)
    with check("queries"):
        equal(value(conn, "SELECT %s + 1", (41,)), 42)
        equal(value(conn, "SELECT 1; SELECT 'two'"), "two")
        equal(len(value(conn, "SELECT repeat('x', 20000000)")), 20_000_000)
        conn.commit()
    with check("errors keep the connection"):
        for sql, sqlstate in [("SELEC", "42601"), ("SELECT 1/0", "22012"), ("SELECT * FROM nowhere", "42P01")]:
            refused(conn, sqlstate, lambda sql=sql: run(conn, sql))
        equal(value(conn, "SELECT 1"), 1)
        conn.commit()
    with check("COPY in and out"):
        lines = "".join(f"{number}\tcopied\n" for number in range(10_000, 30_000))
        with conn.cursor() as cursor:
            cursor.copy_expert(f"COPY {TABLE} FROM STDIN", io.StringIO(lines))
            out = io.StringIO()
            cursor.copy_expert(f"COPY {TABLE} TO STDOUT", out)
        equal(out.getvalue().count("\n"), 21000)
        conn.rollback()
    with check("a bad row ends COPY, not the connection"):
        bad = io.StringIO("1\tx\nnot a number\tx\n" + "2\tx\n" * 100_000)
        with conn.cursor() as cursor:
            refused(conn, "22P02", lambda: cursor.copy_expert(f"COPY {TABLE} FROM STDIN", bad))
        equal(value(conn, "SELECT 1"), 1)
        conn.rollback()
    with check("named cursor"):
        with conn.cursor(name="walk") as cursor:
            cursor.itersize = 100
            cursor.execute(f"SELECT id FROM {TABLE}")
            equal(sum(1 for _ in cursor), 1000)
        conn.commit()
    with check("large objects"):
        equal(conn.lobject(oid, "rb").read(), b"hello" * 100_000)
        large = conn.lobject(oid, "rwb")
        large.seek(5)
        large.write(b"HELLO")
        large.truncate(10)
        large.close()
        conn.commit()
        equal(conn.lobject(oid, "rb").read(), b"helloHELLO")
        conn.rollback()
    with check("two-phase commit"):
        conn.tpc_begin(conn.xid(1, "driver", "psycopg2"))
        run(conn, f"INSERT INTO {TABLE} (v) VALUES ('two-phase')")
        conn.tpc_prepare()
        conn.tpc_commit()
        equal(value(conn, f"SELECT count(*) FROM {TABLE}"), 1001)
        conn.commit()
    notify_and_cancel(dsn)
    conn.lobject(oid, "rb").unlink()
    conn.commit()
    conn.close()


def notify_and_cancel(dsn):
    conn, other = psycopg2.connect(dsn), psycopg2.connect(dsn)
    conn.autocommit = other.autocommit = True
    with check("NOTIFY"):
        run(conn, "LISTEN driver")
        run(other, "NOTIFY driver, 'hello'")
        run(conn, "SELECT 1")
        equal([(note.channel, note.payload) for note in conn.notifies], [("driver", "hello")])
    with check("cancel"):
        canceller = threading.Thread(target=cancel_when_running, args=(conn, other))
        canceller.start()
        refused(conn, "57014", lambda: run(conn, "SELECT pg_sleep(30)"))
        canceller.join()
        equal(value(conn, "SELECT 1"), 1)
    conn.close()
    other.close()


def cancel_when_running(busy, other):
    running = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND query ~ 'pg_sleep'"
    while not value(other, running, (busy.info.backend_pid,)):
        pass
    busy.cancel()


def lull(dsn):
    oid = create_table(dsn)
    pool = ThreadedConnectionPool(3, 3, dsn)
    conns = [pool.getconn() for _ in range(3)]
    pids = [conn.info.backend_pid for conn in conns]
    for conn in conns:
        run(conn, "CREATE TEMP TABLE own (n int); INSERT INTO own VALUES (1); SET work_mem = '7777kB'")
        run(conn, f"PREPARE writing AS INSERT INTO {TABLE} (v) VALUES ('prepared')")
        conn.commit()
    conns[2].set_session(readonly=True)  # the client's own wish, which must outlive the lull
    say("ready")
    wait_for("lull on")
    for number, conn in enumerate(conns):
        with check(f"connection {number} refuses writes and reads on"):
            for sql in [*WRITES, "EXECUTE writing"]:
                refused(conn, READ_ONLY, lambda sql=sql: run(conn, sql.format(t=TABLE)))
            with conn.cursor() as cursor:
                copy = f"COPY {TABLE} (v) FROM STDIN"
                refused(conn, READ_ONLY, lambda: cursor.copy_expert(copy, io.StringIO("x\n" * 100_000)))
            equal(value(conn, f"SELECT count(*) FROM {TABLE}"), 1000)
            equal(value(conn, "SHOW work_mem"), "7777kB")
            conn.commit()
        with check(f"connection {number} reads a large object"):
            equal(conn.lobject(oid, "rb").read(), b"hello" * 100_000)
            conn.commit()
        with check(f"connection {number} writes to its own temporary table"):
            run(conn, "INSERT INTO own VALUES (2)")
            conn.commit()
    say("done")
    wait_for("lull off")
    for number, conn in enumerate(conns[:2]):
        with check(f"connection {number} is as before"):
            run(conn, "EXECUTE writing")
            equal(value(conn, "SELECT sum(n) FROM own"), 3)
            equal(value(conn, "SHOW work_mem"), "7777kB")
            equal(value(conn, "SHOW default_transaction_read_only"), "off")
            conn.commit()
    with check("who asked for read-only transactions still has them"):
        refused(conns[2], READ_ONLY, lambda: run(conns[2], "EXECUTE writing"))
        conns[2].set_session(readonly=False)
        run(conns[2], "EXECUTE writing")
        conns[2].commit()
    with check("the same connections as before the lull"):
        equal([value(conn, "SELECT pg_backend_pid()") for conn in conns], pids)
        equal(value(conns[0], f"SELECT count(*) FROM {TABLE}"), 1003)


dsn, in_a_lull = arguments()
(lull if in_a_lull else normal)(dsn)
finish()

"""PyMySQL, mysqlclient and mysql-connector-python, by what the Python database API has in common and by what each has of its own.

Called as `mysql_dbapi.py pymysql|mysqlclient|connector DSN [--lull]`; see checks.py for the rest.
"""

import datetime
import decimal
import os
import sys
import tempfile
import threading

from checks import check, equal, finish, say, wait_for, words
from checks_mysql import READ_ONLY, WRITES, play_the_lull


class Pymysql:
    def __init__(self):
        import pymysql
        from pymysql.constants import CLIENT

        self.module, self.multi = pymysql, CLIENT.MULTI_STATEMENTS

    def connect(self, multi=False, **options):
        options |= {"local_infile": True, "client_flag": self.multi if multi else 0}
        return self.module.connect(**with_tls(options, lambda ca: {"ssl": {"ca": ca}}))

    def streaming(self, conn):
        return conn.cursor(self.module.cursors.SSCursor)

    def multi_statements(self, conn, sql):
        with conn.cursor() as cursor:
            cursor.execute(sql)
            results = [cursor.fetchall()]
            while cursor.nextset():
                results.append(cursor.fetchall())
        return results

    def own(self, conn, options):
        conn.ping(reconnect=False)
        conn.select_db(options["dbname"])
        equal(value(conn, "SELECT database()"), options["dbname"])

    def id(self, conn):
        return conn.thread_id()

    def code(self, error):
        return error.args[0]


class Mysqlclient(Pymysql):
    def __init__(self):
        import MySQLdb
        import MySQLdb.cursors

        self.module = MySQLdb

    def connect(self, multi=False, **options):
        if not options.get("password"):
            options.pop("password", None)
        options |= {"local_infile": 1, "charset": "utf8mb4"}
        return self.module.connect(**with_tls(options, lambda ca: {"ssl": {"ca": ca}}))

    def own(self, conn, options):
        conn.ping()
        conn.select_db(options["dbname"])
        equal(conn.info(), None)
        conn.query("SELECT 7")
        equal(conn.store_result().fetch_row(), ((7,),))
        conn.change_user(options["user"], options.get("password", ""), options["dbname"])
        equal(value(conn, "SELECT database()"), options["dbname"])
        equal(conn.stat().startswith("Uptime"), True)


class Connector:
    def __init__(self):
        import mysql.connector

        self.module = mysql.connector

    def connect(self, multi=False, **options):
        if options.pop("unix_socket", None):
            raise SystemExit("over TCP only")
        options |= {"allow_local_infile": True, "use_pure": True}
        return self.module.connect(**with_tls(options, lambda ca: {"ssl_ca": ca}, {"ssl_disabled": True}))

    def streaming(self, conn):
        return conn.cursor(buffered=False)

    def multi_statements(self, conn, sql):
        results = []
        for result in conn.cmd_query_iter(sql):
            results.append(tuple(conn.get_rows()[0]) if "columns" in result else ())
        return [tuple(tuple(text(value) for value in row) for row in rows) for rows in results]

    def own(self, conn, options):
        conn.ping(reconnect=False)
        conn.cmd_init_db(options["dbname"])
        equal(value(conn, "SELECT database()"), options["dbname"])
        with conn.cursor(prepared=True) as cursor:
            for number in range(5):
                cursor.execute("SELECT %s + 1, %s", (number, "caf\u00e9"))
                equal(cursor.fetchall(), [(number + 1, "caf\u00e9")])
        run(conn, "SET @mine = 1")
        conn.cmd_reset_connection()
        equal(value(conn, "SELECT @mine"), None)
        conn.cmd_change_user(options["user"], options.get("password", ""), options["dbname"])
        equal(value(conn, "SELECT database()"), options["dbname"])
        equal("Uptime" in str(conn.cmd_statistics()) or conn.cmd_statistics() is not None, True)

    def id(self, conn):
        return conn.connection_id

    def code(self, error):
        return error.errno


def with_tls(options, tls, without=None):
    """DSN words as the drivers call them; `sslrootcert` asks for TLS, and for this certificate."""
    ca = options.pop("sslrootcert", None)
    options["database"] = options.pop("dbname")
    options["port"] = int(options["port"])
    return options | (tls(ca) if ca else without or {})


def text(value):
    return value.decode() if isinstance(value, (bytes, bytearray)) else value


def value(conn, sql, parameters=None):
    with conn.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchone()[0]
        cursor.fetchall()
        return found


def run(conn, sql, parameters=None):
    with conn.cursor() as cursor:
        cursor.execute(sql, parameters)
        if cursor.description:
            cursor.fetchall()


def refused(conn, code, action):
    """The action must fail with this code and leave the connection usable; its transaction is rolled back."""
    try:
        action()
        conn.commit()
    except driver.module.Error as error:
        equal(driver.code(error), code)
        conn.rollback()
        equal(value(conn, "SELECT 1"), 1)
        conn.commit()
    else:
        raise AssertionError(f"not refused, expected {code}")


def create_table(options):
    conn = driver.connect(**options)
    run(conn, f"DROP TABLE IF EXISTS {TABLE}")
    run(conn, f"CREATE TABLE {TABLE} (id INT AUTO_INCREMENT PRIMARY KEY, v LONGTEXT, w INT UNIQUE)")
    with conn.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {TABLE} (v) VALUES (%s)", [(f"row {n}",) for n in range(1000)])
    conn.commit()
    conn.close()


def normal(options):
    create_table(options)
    conn = driver.connect(**options)
    with check("queries and types"):
        equal(value(conn, "SELECT %s + 1", (41,)), 42)
        equal(text(value(conn, "SELECT 'caf\u00e9 \U0001f600'")), "caf\u00e9 \U0001f600")
        equal(value(conn, "SELECT CAST('1.50' AS DECIMAL(5,2))"), decimal.Decimal("1.50"))
        equal(value(conn, "SELECT TIMESTAMP'2026-01-02 03:04:05'"), datetime.datetime(2026, 1, 2, 3, 4, 5))
        equal(value(conn, "SELECT NULL"), None)
        equal(len(value(conn, "SELECT repeat('x', 20000000)")), 20_000_000)
    with check("what is too large for one packet"):
        run(conn, f"INSERT INTO {TABLE} (v) VALUES (%s)", ("y" * 17_000_000,))
        equal(value(conn, f"SELECT length(v) FROM {TABLE} ORDER BY id DESC LIMIT 1"), 17_000_000)
        conn.rollback()
    with check("transactions"):
        run(conn, f"UPDATE {TABLE} SET v = 'changed'")
        equal(value(conn, f"SELECT count(*) FROM {TABLE} WHERE v = 'changed'"), 1000)
        conn.rollback()
        equal(value(conn, f"SELECT count(*) FROM {TABLE} WHERE v = 'changed'"), 0)
        conn.commit()
    with check("errors keep the connection"):
        for sql, code in [("SELEC", 1064), ("SELECT * FROM nowhere", 1146), (f"INSERT INTO {TABLE} (id) VALUES (1)", 1062)]:
            refused(conn, code, lambda sql=sql: run(conn, sql))
    with check("the number of rows and the last id"):
        with conn.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET w = id")
            equal(cursor.rowcount, 1000)
            cursor.execute(f"INSERT INTO {TABLE} (v) VALUES ('new')")
            equal(cursor.lastrowid > 1000, True)
        conn.rollback()
    with check("rows one by one"):
        cursor = driver.streaming(conn)
        cursor.execute(f"SELECT id, v FROM {TABLE}")
        equal(sum(1 for _ in cursor), 1000)
        cursor.close()
        conn.commit()
    with check("several statements at once"):
        several = driver.connect(multi=True, **options)
        results = driver.multi_statements(several, "SELECT 1; SET @a = 2; SELECT 'x', @a")
        equal([result for result in results if result], [((1,),), (("x", 2),)])
        several.close()
    with check("a procedure and its results"):
        run(conn, "DROP PROCEDURE IF EXISTS both_of")
        run(conn, "CREATE PROCEDURE both_of(n INT) BEGIN SELECT n; SELECT n + 1; END")
        with conn.cursor() as cursor:
            cursor.callproc("both_of", (5,))
            if hasattr(cursor, "stored_results"):  # the results come before callproc returns
                results = [result.fetchall() for result in cursor.stored_results()]
            else:
                results = [cursor.fetchall()]
                while cursor.nextset():
                    results.append(cursor.fetchall())
        equal([rows[0][0] for rows in results if rows], [5, 6])
    with check("LOCAL INFILE"):
        load_file(conn)
    with check("what only this driver has"):
        driver.own(conn, options)
    conn.rollback()
    kill(options)
    conn.close()


def load_file(conn):
    with tempfile.NamedTemporaryFile("w", suffix=".csv", delete=False) as file:
        file.writelines(f"loaded {number}\n" for number in range(20_000))
    try:
        run(conn, f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {TABLE} (v)")
        equal(value(conn, f"SELECT count(*) FROM {TABLE} WHERE v LIKE 'loaded%'"), 20_000)
    finally:
        os.unlink(file.name)
        conn.rollback()


def kill(options):
    conn, other = driver.connect(**options), driver.connect(**options)
    with check("KILL QUERY by the connection's id"):
        killer = threading.Thread(target=kill_when_running, args=(driver.id(conn), other))
        killer.start()
        try:
            equal(value(conn, "SELECT sleep(30)"), 1)
        except driver.module.Error as error:
            equal(driver.code(error), 1317)
        killer.join()
        equal(value(conn, "SELECT 1"), 1)
    conn.close()
    other.close()


def kill_when_running(busy, other):
    running = "SELECT count(*) FROM information_schema.processlist WHERE id = %s AND info LIKE 'SELECT sleep%%'"
    while not value(other, running, (busy,)):
        other.rollback()
    run(other, f"KILL QUERY {busy}")


def lull(options):
    create_table(options)
    conns = [driver.connect(**options) for _ in range(3)]
    ids = [driver.id(conn) for conn in conns]
    for conn in conns:
        run(conn, "CREATE TEMPORARY TABLE own (n INT)")
        run(conn, "INSERT INTO own VALUES (1)")
        run(conn, "SET SESSION sort_buffer_size = 77777, @mine = 'kept'")
        run(conn, f"PREPARE writing FROM 'INSERT INTO {TABLE} (v) VALUES (''prepared'')'")
        conn.commit()
    run(conns[2], "SET SESSION TRANSACTION READ ONLY")  # the client's own wish, which must outlive the lull
    say("ready")
    wait_for("lull on")
    for conn in conns:
        play_the_lull(lambda sql, conn=conn: run(conn, sql), "ONLY")
    for number, conn in enumerate(conns):
        with check(f"connection {number} refuses writes and reads on"):
            for sql in [*WRITES, "EXECUTE writing"]:
                refused(conn, READ_ONLY, lambda sql=sql: run(conn, sql.format(t=TABLE)))
            equal(value(conn, f"SELECT count(*) FROM {TABLE}"), 1000)
            equal(value(conn, "SELECT @@sort_buffer_size"), 77777)
            equal(text(value(conn, "SELECT @mine")), "kept")
            conn.commit()
        with check(f"connection {number} writes to its own temporary table"):
            run(conn, "INSERT INTO own VALUES (2)")
            conn.commit()
    say("done")
    wait_for("lull off")
    for conn in conns[:2]:
        play_the_lull(lambda sql, conn=conn: run(conn, sql), "WRITE")
    for number, conn in enumerate(conns[:2]):
        with check(f"connection {number} is as before"):
            run(conn, "EXECUTE writing")
            equal(int(value(conn, "SELECT sum(n) FROM own")), 3)
            equal(value(conn, "SELECT @@sort_buffer_size"), 77777)
            conn.commit()
    with check("who asked for read-only transactions still has them"):
        refused(conns[2], READ_ONLY, lambda: run(conns[2], "EXECUTE writing"))
        run(conns[2], "SET SESSION TRANSACTION READ WRITE")
        run(conns[2], "EXECUTE writing")
        conns[2].commit()
    with check("the same connections as before the lull"):
        equal([value(conn, "SELECT connection_id()") for conn in conns], ids)
        equal(value(conns[0], f"SELECT count(*) FROM {TABLE}"), 1003)


DRIVERS = {"pymysql": Pymysql, "mysqlclient": Mysqlclient, "connector": Connector}
name, dsn = sys.argv[1:3]
driver, TABLE = DRIVERS[name](), f"driver_{name}"
(lull if len(sys.argv) > 3 else normal)(words(dsn))
finish()

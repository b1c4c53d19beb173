"""asyncpg and its pool (which resets every connection that comes back). See checks.py for how this is called."""

import asyncio
import io

import asyncpg

from checks import READ_ONLY, WRITES, arguments, check, equal, finish, real_lull, say, wait_for, words

TABLE = "driver_asyncpg"


def options(dsn):
    given = words(dsn)
    given["database"] = given.pop("dbname")
    given["port"] = int(given["port"])
    return {**given, "ssl": given.pop("sslmode", "prefer")}


async def refused(conn, sqlstate, awaitable, what=""):
    """The awaitable must fail with this SQLSTATE and leave the connection open."""
    try:
        await awaitable
    except asyncpg.PostgresError as error:
        equal(error.sqlstate, sqlstate)
        equal(conn.is_closed(), False)
    else:
        raise AssertionError(f"not refused, expected {sqlstate}: {what}")


async def create_table(dsn):
    conn = await asyncpg.connect(**options(dsn))
    await conn.execute(
        f"DROP TABLE IF EXISTS {TABLE}; CREATE TABLE {TABLE} (id serial PRIMARY KEY, v text);"
        f"INSERT INTO {TABLE} (v) SELECT 'row ' || n FROM generate_series(1, 1000) n"
    )
    await conn.close()


async def normal(dsn):
    await create_table(dsn)
    for cache_size in [100, 0]:
        name = f"statement cache of {cache_size}: "
        conn = await asyncpg.connect(**options(dsn), statement_cache_size=cache_size)
        with check(name + "queries"):
            for number in range(20):
                equal(await conn.fetchval("SELECT $1::int + 1", number), number + 1)
            equal(await conn.execute("SELECT 1; SELECT 2"), "SELECT 1")
            equal(len(await conn.fetch(f"SELECT * FROM {TABLE}")), 1000)
            equal(await conn.fetchval("SELECT length($1)", "y" * 5_000_000), 5_000_000)
            await conn.executemany(f"INSERT INTO {TABLE} (v) VALUES ($1)", [(f"many {n}",) for n in range(100)])
            await conn.execute(f"DELETE FROM {TABLE} WHERE v ~ '^many'")
        with check(name + "prepared statement and cursor"):
            statement = await conn.prepare(f"SELECT id FROM {TABLE} ORDER BY id")
            async with conn.transaction():
                equal(len([row async for row in statement.cursor(prefetch=100)]), 1000)
        with check(name + "errors keep the connection"):
            await refused(conn, "22012", conn.fetchval("SELECT 1/0"))
            await refused(conn, "42601", conn.execute("SELEC"))
            async with conn.transaction():
                with_savepoint = conn.transaction()
                await with_savepoint.start()
                await refused(conn, "42P01", conn.fetch("SELECT * FROM nowhere"))
                await with_savepoint.rollback()
                equal(await conn.fetchval("SELECT 3"), 3)
        await conn.close()
    await copy_listen_cancel(dsn)
    await pool_resets(dsn)


async def copy_listen_cancel(dsn):
    conn, other = await asyncpg.connect(**options(dsn)), await asyncpg.connect(**options(dsn))
    with check("COPY in and out"):
        records = [(f"copied {number}",) for number in range(20000)]
        equal(await conn.copy_records_to_table(TABLE, records=records, columns=["v"]), "COPY 20000")
        out = io.BytesIO()
        equal(await conn.copy_from_table(TABLE, output=out, format="csv"), "COPY 21000")
        equal(out.getvalue().count(b"\n"), 21000)
        await conn.execute(f"DELETE FROM {TABLE} WHERE v ~ '^copied'")
    with check("LISTEN"):
        heard = asyncio.get_running_loop().create_future()
        await conn.add_listener("driver", lambda _, pid, channel, payload: heard.set_result((pid, channel, payload)))
        await other.execute("NOTIFY driver, 'hello'")
        equal(await asyncio.wait_for(heard, 10), (other.get_server_pid(), "driver", "hello"))
    with check("a timeout cancels the query"):
        try:
            await conn.fetchval("SELECT pg_sleep(30)", timeout=0.3)
        except asyncio.TimeoutError:
            pass
        equal(await conn.fetchval("SELECT 4"), 4)
    await conn.close()
    await other.close()


async def pool_resets(dsn):
    async with asyncpg.create_pool(**options(dsn), min_size=2, max_size=2) as pool:
        with check("the pool resets and gives back the same connections"):
            pids = set()
            for _ in range(20):
                async with pool.acquire() as conn:
                    pids.add(conn.get_server_pid())
                    equal(await conn.fetchval("SHOW work_mem") != "7777kB", True)
                    await conn.execute("SET work_mem = '7777kB'")
            equal(len(pids) <= 2, True)


async def lull(dsn):
    await create_table(dsn)
    pool = await asyncpg.create_pool(**options(dsn), min_size=3, max_size=3)
    uncached = await asyncpg.connect(**options(dsn), statement_cache_size=0)
    listener = await asyncpg.connect(**options(dsn))
    heard = asyncio.Queue()
    await listener.add_listener("driver", lambda *notification: heard.put_nowait(notification[-1]))
    pids = {uncached.get_server_pid()}
    held = [await pool.acquire() for _ in range(3)]
    for conn in [*held, uncached]:
        pids.add(conn.get_server_pid())
        await conn.execute("CREATE TEMP TABLE own (n int); INSERT INTO own VALUES (1)")
        await conn.execute("SET work_mem = '7777kB'")
        await conn.fetchval(f"SELECT count(*) FROM {TABLE}")
        await conn.execute(f"INSERT INTO {TABLE} (v) VALUES ($1)", "before")
    writing = await uncached.prepare(f"INSERT INTO {TABLE} (v) VALUES ($1)")
    await writing.fetch("before")
    # prepare() sends Parse, Describe and Flush, but no Sync: the server stays in an implicit transaction.
    half_way = await asyncpg.connect(**options(dsn))
    half_way_writing = await half_way.prepare(f"INSERT INTO {TABLE} (v) VALUES ('half way')")
    for conn in held[1:]:
        await pool.release(conn)  # resets its settings; held[0] stays out of the pool all the time
    say("ready")
    await asyncio.to_thread(wait_for, "lull on")
    await in_lull(dsn, pool, [held[0], uncached], writing, pids)
    if real_lull():
        with check("a session that has prepared a statement and nothing more is refused, then reads"):
            await refused(half_way, READ_ONLY, half_way_writing.fetch())
            equal(await half_way.fetchval("SELECT 1"), 1)
    say("done")
    await asyncio.to_thread(wait_for, "lull off")
    await after_lull(pool, [held[0], uncached], writing, pids)
    with check("the listener still listens"):
        await uncached.execute("NOTIFY driver, 'back'")
        equal(await asyncio.wait_for(heard.get(), 10), "back")
    with check("the half-way statement writes after the lull"):
        await half_way_writing.fetch()
    await half_way.close()
    await pool.release(held[0])
    await pool.close()
    await uncached.close()
    await listener.close()


async def in_lull(dsn, pool, held, writing, pids):
    for number, conn in enumerate(held):
        with check(f"held connection {number} refuses writes and reads on"):
            await refuses_writes(conn)
            equal(await conn.fetchval(f"SELECT count(*) FROM {TABLE}"), 1005)
            equal(await conn.fetchval("SHOW work_mem"), "7777kB")
            await conn.execute("INSERT INTO own VALUES (2)")
    with check("a statement prepared before the lull is refused"):
        await refused(held[1], READ_ONLY, writing.fetch("in"))
    for _ in range(2):
        with check("pooled connections refuse writes, read on, and stay in the pool through resets"):
            async with pool.acquire() as one, pool.acquire() as two:
                for conn in (one, two):
                    equal(conn.get_server_pid() in pids, True)
                    await refuses_writes(conn)
                    equal(await conn.fetchval(f"SELECT count(*) FROM {TABLE}"), 1005)
    with check("a new connection is read-only from the start"):
        conn = await asyncpg.connect(**options(dsn))
        equal(await conn.fetchval("SHOW transaction_read_only"), "on")
        await conn.close()


async def refuses_writes(conn):
    for sql in WRITES:
        await refused(conn, READ_ONLY, conn.execute(sql.format(t=TABLE)), f"simple {sql}")
        await refused(conn, READ_ONLY, conn.fetch(sql.format(t=TABLE)), f"extended {sql}")
    await refused(conn, READ_ONLY, conn.execute(f"INSERT INTO {TABLE} (v) VALUES ($1)", "in"))
    await refused(conn, READ_ONLY, conn.copy_records_to_table(TABLE, records=[("x",)], columns=["v"]))
    async with conn.transaction(readonly=True, isolation="repeatable_read"):
        equal(await conn.fetchval("SELECT 1"), 1)
    transaction = conn.transaction()
    await transaction.start()
    equal(await conn.fetchval("SELECT 1"), 1)
    await refused(conn, READ_ONLY, conn.execute(f"DELETE FROM {TABLE}"))
    await refused(conn, "25P02", conn.execute("SELECT 1"))
    await transaction.rollback()


async def after_lull(pool, held, writing, pids):
    for number, conn in enumerate(held):
        with check(f"held connection {number} is as before"):
            equal(conn.get_server_pid() in pids, True)
            await conn.execute(f"INSERT INTO {TABLE} (v) VALUES ($1)", "after")
            equal(await conn.fetchval("SELECT sum(n) FROM own"), 3)
            equal(await conn.fetchval("SHOW work_mem"), "7777kB")
            equal(await conn.fetchval("SHOW default_transaction_read_only"), "off")
    with check("the statement prepared before the lull writes"):
        await writing.fetch("after")
    with check("pooled connections write again"):
        async with pool.acquire() as one, pool.acquire() as two:
            for conn in (one, two):
                equal(conn.get_server_pid() in pids, True)
                await conn.execute(f"INSERT INTO {TABLE} (v) VALUES ($1)", "after")
                equal(await conn.fetchval("SELECT sum(n) FROM own"), 1)
            equal(await one.fetchval(f"SELECT count(*) FROM {TABLE}"), 1010)


dsn, in_a_lull = arguments()
asyncio.run((lull if in_a_lull else normal)(dsn))
finish()

"""SQLAlchemy with its pool, over PyMySQL, mysqlclient and mysql-connector-python. See checks.py for how this is called."""

import sqlalchemy as sa

from checks import arguments, check, equal, finish, say, wait_for, words
from checks_mysql import READ_ONLY, play_the_lull
from checks_sqlalchemy import Family, Invalidations, Item, add, count, create_table

MYSQL = Family(
    code=lambda error: getattr(error, "errno", None) or error.args[0],
    own_id="SELECT connection_id()",
    duplicate=1062,
    mistake=("SELECT * FROM nowhere", 1146),
    serializable=(f"SELECT count(*) FROM {Item.__tablename__}", 1000),
)
DRIVERS = ("pymysql", "mysqldb", "mysqlconnector")


def engine(dsn, driver):
    who = words(dsn)
    url = sa.URL.create(
        f"mysql+{driver}",
        username=who["user"],
        password=who.get("password"),
        host=who["host"],
        port=int(who["port"]),
        database=who["dbname"],
        query={"charset": "utf8mb4"},
    )
    return sa.create_engine(url, pool_size=3, max_overflow=0, pool_pre_ping=True)


def on_all(engine, action):
    conns = [engine.connect() for _ in range(3)]
    for conn in conns:
        action(conn)
        conn.close()


def lull(dsn):
    databases = {driver: engine(dsn, driver) for driver in DRIVERS}
    create_table(databases["pymysql"])
    ids = {driver: MYSQL.fill_pool(db) for driver, db in databases.items()}
    invalidations = {driver: Invalidations(db) for driver, db in databases.items()}
    for db in databases.values():
        add(db, "before")
    say("ready")
    wait_for("lull on")
    for db in databases.values():
        on_all(db, lambda conn: play_the_lull(lambda sql: conn.execute(sa.text(sql)), "ONLY"))
    for driver, db in databases.items():
        with check(f"{driver}: sessions refuse writes and read on"):
            for _ in range(4):
                MYSQL.refused(READ_ONLY, lambda db=db: add(db, "in"))
                equal(count(db), 1003)
        MYSQL.rolls_back_and_reads(db, driver, READ_ONLY)
        with check(f"{driver}: the pool has kept its connections"):
            equal(MYSQL.fill_pool(db), ids[driver])
    say("done")
    wait_for("lull off")
    for driver, db in databases.items():
        on_all(db, lambda conn: play_the_lull(lambda sql: conn.execute(sa.text(sql)), "WRITE"))
        with check(f"{driver}: all is as before"):
            add(db, "after")
            equal(MYSQL.fill_pool(db), ids[driver])
            equal(invalidations[driver].count, 0)
    with check("nothing was written in the lull"):
        equal(count(databases["pymysql"]), 1006)


dsn, in_a_lull = arguments()
if in_a_lull:
    lull(dsn)
else:
    for name in DRIVERS:
        MYSQL.normal(engine(dsn, name), name)
finish()

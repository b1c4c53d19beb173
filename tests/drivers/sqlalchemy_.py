"""SQLAlchemy with its pool, over psycopg 3 and over psycopg 2. See checks.py for how this is called."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from checks import READ_ONLY, arguments, check, equal, finish, say, wait_for, words
from checks_sqlalchemy import Family, Invalidations, Item, add, count, create_table

POSTGRES = Family(
    code=lambda error: getattr(error, "sqlstate", None) or getattr(error, "pgcode", None),
    own_id="SELECT pg_backend_pid()",
    duplicate="23505",
    mistake=("SELECT 1/0", "22012"),
    serializable=("SHOW transaction_isolation", "serializable"),
)
DRIVERS = ("psycopg", "psycopg2")


def engine(dsn, driver):
    url = f"postgresql+{driver}://"
    return sa.create_engine(url, connect_args=words(dsn), pool_size=3, max_overflow=0, pool_pre_ping=True)


def lull(dsn):
    databases = {driver: engine(dsn, driver) for driver in DRIVERS}
    create_table(databases["psycopg"])
    pids = {driver: POSTGRES.fill_pool(db) for driver, db in databases.items()}
    invalidations = {driver: Invalidations(db) for driver, db in databases.items()}
    for db in databases.values():
        add(db, "before")
    say("ready")
    wait_for("lull on")
    for driver, db in databases.items():
        with check(f"{driver}: sessions refuse writes and read on"):
            for _ in range(4):
                POSTGRES.refused(READ_ONLY, lambda db=db: add(db, "in"))
                POSTGRES.refused(READ_ONLY, lambda db=db: rename(db))
                equal(count(db), 1002)
        POSTGRES.rolls_back_and_reads(db, driver, READ_ONLY)
        with check(f"{driver}: a read-only transaction works"):
            with db.connect().execution_options(postgresql_readonly=True) as conn:
                equal(conn.scalar(sa.text("SELECT 1")), 1)
            with db.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                equal(conn.scalar(sa.text("SELECT 1")), 1)
        with check(f"{driver}: the pool kept its connections"):
            equal(POSTGRES.fill_pool(db), pids[driver])
            equal(invalidations[driver].count, 0)
    say("done")
    wait_for("lull off")
    for driver, db in databases.items():
        with check(f"{driver}: the same connections write again"):
            for _ in range(4):
                add(db, "after")
            equal(POSTGRES.fill_pool(db), pids[driver])
            equal(invalidations[driver].count, 0)
    with check("nothing was written in the lull"):
        equal(count(databases["psycopg"]), 1010)


def rename(engine):
    with Session(engine) as session:
        session.get(Item, 1).name = "renamed"
        session.commit()


dsn, in_a_lull = arguments()
if in_a_lull:
    lull(dsn)
else:
    for driver in DRIVERS:
        POSTGRES.normal(engine(dsn, driver), driver)
finish()

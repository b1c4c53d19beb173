"""SQLAlchemy with its pool, over psycopg 3 and over psycopg 2. See checks.py for how this is called."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from checks import READ_ONLY, arguments, check, equal, finish, say, wait_for, words

PIDS = sa.text("SELECT pg_backend_pid()")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "driver_sqlalchemy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Invalidations:
    """Counts what the pool throws away."""

    def __init__(self, engine):
        self.count = 0
        for event in ("invalidate", "soft_invalidate", "close"):
            sa.event.listen(engine.pool, event, self.seen)

    def seen(self, *_):
        self.count += 1


def engine(dsn, driver):
    url = f"postgresql+{driver}://"
    return sa.create_engine(url, connect_args=words(dsn), pool_size=3, max_overflow=0, pool_pre_ping=True)


def sqlstate(error):
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)


def refused(expected, action):
    """The action must fail with this SQLSTATE, and not be taken for a lost connection."""
    try:
        action()
    except sa.exc.DBAPIError as error:
        equal(sqlstate(error), expected)
        equal(error.connection_invalidated, False)
    else:
        raise AssertionError(f"not refused, expected {expected}")


def create_table(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Item(name=f"item {number}") for number in range(1000))
        session.commit()


def count(engine):
    with Session(engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Item))


def add(engine, name):
    with Session(engine) as session:
        session.add(Item(name=name))
        session.commit()


def fill_pool(engine):
    """Opens all connections of the pool; their process ids."""
    conns = [engine.connect() for _ in range(3)]
    pids = sorted(conn.scalar(PIDS) for conn in conns)
    for conn in conns:
        conn.close()
    return pids


def normal(dsn, driver):
    db = engine(dsn, driver)
    with check(f"{driver}: create, fill, reflect"):
        create_table(db)
        equal(count(db), 1000)
        equal(sa.inspect(db).get_columns(Item.__tablename__)[1]["name"], "name")
    with check(f"{driver}: unit of work"):
        with Session(db) as session:
            item = session.scalars(sa.select(Item).where(Item.name == "item 7")).one()
            item.name = "renamed"
            session.flush()
            session.delete(session.get(Item, item.id + 1))
            session.commit()
        equal(count(db), 999)
    with check(f"{driver}: savepoint after an error"):
        with Session(db) as session:
            session.add(Item(name="outer"))
            session.flush()
            refused("23505", lambda: insert_twice(session))
            session.commit()
        equal(count(db), 1000)
    with check(f"{driver}: errors keep the connections"):
        pids, invalidations = fill_pool(db), Invalidations(db)
        for _ in range(6):
            with db.connect() as conn:
                refused("22012", lambda conn=conn: conn.execute(sa.text("SELECT 1/0")))
        equal(fill_pool(db), pids)
        equal(invalidations.count, 0)
    with check(f"{driver}: isolation levels and streaming"):
        with db.connect().execution_options(isolation_level="SERIALIZABLE") as conn:
            equal(conn.scalar(sa.text("SHOW transaction_isolation")), "serializable")
        with db.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            equal(conn.scalar(sa.text("SELECT 1")), 1)
        with db.connect().execution_options(stream_results=True, yield_per=100) as conn:
            equal(sum(1 for _ in conn.execute(sa.select(Item))), 1000)
    db.dispose()


def insert_twice(session):
    with session.begin_nested():
        session.execute(sa.insert(Item).values(id=1, name="again"))


def lull(dsn):
    databases = {driver: engine(dsn, driver) for driver in ("psycopg", "psycopg2")}
    create_table(databases["psycopg"])
    pids = {driver: fill_pool(db) for driver, db in databases.items()}
    invalidations = {driver: Invalidations(db) for driver, db in databases.items()}
    for db in databases.values():
        add(db, "before")
    say("ready")
    wait_for("lull on")
    for driver, db in databases.items():
        with check(f"{driver}: sessions refuse writes and read on"):
            for _ in range(4):
                refused(READ_ONLY, lambda db=db: add(db, "in"))
                refused(READ_ONLY, lambda db=db: rename(db))
                equal(count(db), 1002)
        with check(f"{driver}: a session that was refused can roll back and read"):
            with Session(db) as session:
                equal(session.get(Item, 1).name, "item 0")
                refused(READ_ONLY, lambda session=session: session.execute(sa.delete(Item)))
                session.rollback()
                equal(session.get(Item, 1).name, "item 0")
        with check(f"{driver}: a read-only transaction works"):
            with db.connect().execution_options(postgresql_readonly=True) as conn:
                equal(conn.scalar(sa.text("SELECT 1")), 1)
            with db.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                equal(conn.scalar(sa.text("SELECT 1")), 1)
        with check(f"{driver}: the pool kept its connections"):
            equal(fill_pool(db), pids[driver])
            equal(invalidations[driver].count, 0)
    say("done")
    wait_for("lull off")
    for driver, db in databases.items():
        with check(f"{driver}: the same connections write again"):
            for _ in range(4):
                add(db, "after")
            equal(fill_pool(db), pids[driver])
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
    for driver in ("psycopg", "psycopg2"):
        normal(dsn, driver)
finish()

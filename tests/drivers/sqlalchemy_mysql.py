"""SQLAlchemy with its pool, over PyMySQL, mysqlclient and mysql-connector-python. See checks.py for how this is called."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from checks import arguments, check, equal, finish, say, wait_for, words
from checks_mysql import READ_ONLY, play_the_lull

DRIVERS = ("pymysql", "mysqldb", "mysqlconnector")
IDS = sa.text("SELECT connection_id()")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "driver_sqlalchemy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))


class Invalidations:
    """Counts what the pool throws away."""

    def __init__(self, engine):
        self.count = 0
        for event in ("invalidate", "soft_invalidate", "close"):
            sa.event.listen(engine.pool, event, self.seen)

    def seen(self, *_):
        self.count += 1


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


def code(error):
    return getattr(error.orig, "errno", None) or error.orig.args[0]


def refused(expected, action):
    """The action must fail with this code, and not be taken for a lost connection."""
    try:
        action()
    except sa.exc.DBAPIError as error:
        equal(code(error), expected)
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
    """Opens all connections of the pool; their ids."""
    conns = [engine.connect() for _ in range(3)]
    ids = sorted(conn.scalar(IDS) for conn in conns)
    for conn in conns:
        conn.close()
    return ids


def on_all(engine, action):
    conns = [engine.connect() for _ in range(3)]
    for conn in conns:
        action(conn)
        conn.close()


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
            refused(1062, lambda: insert_twice(session))
            session.commit()
        equal(count(db), 1000)
    with check(f"{driver}: errors keep the connections"):
        ids, invalidations = fill_pool(db), Invalidations(db)
        for _ in range(6):
            with db.connect() as conn:
                refused(1146, lambda conn=conn: conn.execute(sa.text("SELECT * FROM nowhere")))
        equal(fill_pool(db), ids)
        equal(invalidations.count, 0)
    with check(f"{driver}: isolation levels and streaming"):
        with db.connect().execution_options(isolation_level="SERIALIZABLE") as conn:
            equal(conn.scalar(sa.text("SELECT count(*) FROM driver_sqlalchemy")), 1000)
        with db.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            equal(conn.scalar(sa.text("SELECT 1")), 1)
        with db.connect().execution_options(stream_results=True, yield_per=100) as conn:
            equal(sum(1 for _ in conn.execute(sa.select(Item))), 1000)
    db.dispose()


def insert_twice(session):
    with session.begin_nested():
        session.execute(sa.insert(Item).values(id=1, name="again"))


def lull(dsn):
    databases = {driver: engine(dsn, driver) for driver in DRIVERS}
    create_table(databases["pymysql"])
    ids = {driver: fill_pool(db) for driver, db in databases.items()}
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
                refused(READ_ONLY, lambda db=db: add(db, "in"))
                equal(count(db), 1003)
        with check(f"{driver}: a session that was refused can roll back and read"):
            with Session(db) as session:
                equal(session.get(Item, 1).name, "item 0")
                refused(READ_ONLY, lambda session=session: session.execute(sa.delete(Item)))
                session.rollback()
                equal(session.get(Item, 1).name, "item 0")
        with check(f"{driver}: the pool has kept its connections"):
            equal(fill_pool(db), ids[driver])
    say("done")
    wait_for("lull off")
    for driver, db in databases.items():
        on_all(db, lambda conn: play_the_lull(lambda sql: conn.execute(sa.text(sql)), "WRITE"))
        with check(f"{driver}: all is as before"):
            add(db, "after")
            equal(fill_pool(db), ids[driver])
            equal(invalidations[driver].count, 0)
    with check("nothing was written in the lull"):
        equal(count(databases["pymysql"]), 1006)


dsn, in_a_lull = arguments()
if in_a_lull:
    lull(dsn)
else:
    for name in DRIVERS:
        normal(dsn, name)
finish()

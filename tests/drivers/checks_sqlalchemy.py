"""What the two SQLAlchemy programs share: the table, its pool of three, and what an application does with both."""

from dataclasses import dataclass
from typing import Callable

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from checks import check, equal


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


@dataclass
class Family:
    """What servers of one family are asked, and answer."""

    code: Callable  # of a driver's error
    own_id: str  # the question for the connection's number
    duplicate: object  # the code of a duplicate key
    mistake: tuple  # a statement that fails, and its code
    serializable: tuple  # a question to ask at that isolation level, and its answer

    def refused(self, expected, action):
        """The action must fail with this code, and not be taken for a lost connection."""
        try:
            action()
        except sa.exc.DBAPIError as error:
            equal(self.code(error.orig), expected)
            equal(error.connection_invalidated, False)
        else:
            raise AssertionError(f"not refused, expected {expected}")

    def fill_pool(self, engine):
        """Opens all connections of the pool; their numbers."""
        conns = [engine.connect() for _ in range(3)]
        ids = sorted(conn.scalar(sa.text(self.own_id)) for conn in conns)
        for conn in conns:
            conn.close()
        return ids

    def normal(self, db, driver):
        """What an application does while no lull is open."""
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
                self.refused(self.duplicate, lambda: insert_twice(session))
                session.commit()
            equal(count(db), 1000)
        with check(f"{driver}: errors keep the connections"):
            ids, invalidations = self.fill_pool(db), Invalidations(db)
            statement, code = self.mistake
            for _ in range(6):
                with db.connect() as conn:
                    self.refused(code, lambda conn=conn: conn.execute(sa.text(statement)))
            equal(self.fill_pool(db), ids)
            equal(invalidations.count, 0)
        with check(f"{driver}: isolation levels and streaming"):
            with db.connect().execution_options(isolation_level="SERIALIZABLE") as conn:
                question, answer = self.serializable
                equal(conn.scalar(sa.text(question)), answer)
            with db.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                equal(conn.scalar(sa.text("SELECT 1")), 1)
            with db.connect().execution_options(stream_results=True, yield_per=100) as conn:
                equal(sum(1 for _ in conn.execute(sa.select(Item))), 1000)
        db.dispose()

    def rolls_back_and_reads(self, db, driver, read_only):
        with check(f"{driver}: a session that was refused can roll back and read"):
            with Session(db) as session:
                equal(session.get(Item, 1).name, "item 0")
                self.refused(read_only, lambda: session.execute(sa.delete(Item)))
                session.rollback()
                equal(session.get(Item, 1).name, "item 0")


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


def insert_twice(session):
    with session.begin_nested():
        session.execute(sa.insert(Item).values(id=1, name="again"))

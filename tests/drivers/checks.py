"""What the Python driver programs share: a line per check, the dialogue around a lull, the words of a DSN.

A program is called as `PROGRAM DSN [--lull]`; DSN is `key=value` words as libpq reads them. It prints `ok NAME` or
`not ok NAME: why` per check and exits with 1 if one failed. With --lull it opens its connections, prints `ready`, waits for
a line, checks that everything reads and nothing writes, prints `done`, waits for a line, and checks that all is as before.
With --lull=server a server whose default has been changed plays the lull: what that does not do is then not asked for.
"""

import contextlib
import sys
import traceback

READ_ONLY = "25006"

# Statements that every session in a lull must be refused, on the table `{t}` with the sequence `{t}_id_seq`.
WRITES = [
    "INSERT INTO {t} (v) VALUES ('x')",
    "UPDATE {t} SET v = 'x'",
    "DELETE FROM {t}",
    "WITH gone AS (DELETE FROM {t} RETURNING id) SELECT count(*) FROM gone",
    "TRUNCATE {t}",
    "CREATE TABLE {t}_new (n int)",
    "ALTER TABLE {t} ADD COLUMN n int",
    "DROP TABLE {t}",
    "SELECT nextval('{t}_id_seq')",
    "SELECT * FROM {t} FOR UPDATE",
    "CREATE INDEX ON {t} (v)",
    "GRANT SELECT ON {t} TO PUBLIC",
]

_failed = 0


@contextlib.contextmanager
def check(name):
    """Everything inside must pass; what follows runs all the same."""
    global _failed
    try:
        yield
    except Exception as error:  # a check that fails is a result, whatever failed
        _failed += 1
        why = " ".join(str(error).split()) or type(error).__name__
        say(f"not ok {name}: {type(error).__name__}: {why}")
        traceback.print_exc()
    else:
        say(f"ok {name}")


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def say(line):
    print(line, flush=True)


def wait_for(line):
    heard = sys.stdin.readline().strip()
    if heard != line:
        raise SystemExit(f"expected the line {line!r}, heard {heard!r}")


def arguments():
    """The DSN, and whether --lull (or --lull=server) was given."""
    dsns = [word for word in sys.argv[1:] if not word.startswith("--lull")]
    if len(dsns) != 1:
        raise SystemExit(f"usage: {sys.argv[0]} DSN [--lull]")
    return dsns[0], len(sys.argv) > 2


def real_lull():
    return "--lull" in sys.argv


def words(dsn):
    """The DSN as a dictionary."""
    return dict(word.split("=", 1) for word in dsn.split())


def finish():
    raise SystemExit(1 if _failed else 0)

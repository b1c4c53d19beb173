# Sourced by demo.sh: the story of a restart. The server is stopped and started again, and reads go on on a standby.
#
# It sets what figures.sh counts by: fenced_us, ended_us, over_us, fence_position, end_position, away_us, back_us; and own,
# the transactions that may stand in the server's log: none.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

more_hba=('local replication postgres trust' 'host shop lull 127.0.0.1/32 scram-sha-256')
more_settings=("wal_level = replica" "max_wal_senders = 4" "wal_retrieve_retry_interval = '500ms'")
buffers_before=256MB buffers_after=320MB own='' besides=' and a standby'

# A standby, and what lull must know to log in there as its clients: what they prove to it, against the server's own
# verifiers, and an account of its own, which watches both servers.
prepare() {
    local service_password
    service_password=$(random_password)
    as_superuser postgres -c "CREATE ROLE lull LOGIN PASSWORD '$service_password'"
    [ -x "$bin/pg_basebackup" ] || fail "there is no pg_basebackup in $bin"
    patiently "${as_server[@]}" "$bin/pg_basebackup" -h "$dir/server" -p "$server_port" -U postgres -c fast -X stream -R \
        --no-sync -D "$dir/server/standby" >"$dir/standby.log" 2>&1 || { cat "$dir/standby.log" >&2; fail "no standby"; }
    run_server standby standby_port
    (
        umask 077
        echo "$service_password" >"$dir/service.pw"
        as_superuser postgres -c "SELECT format('\"%s\" \"%s\"', rolname, rolpassword) FROM pg_authid
            WHERE rolname IN ('app', 'migrator')" >"$dir/users.txt"
    )
}
# The standby first: the server waits for it when it stops.
stop_server() {
    end_process "$1/server/standby/postmaster.pid" QUIT
    end_process "$1/server/data/postmaster.pid" QUIT
}

settle_settings() {
    cat >"$dir/lull.toml" <<END_OF_SETTINGS
[admin]
socket = "$dir/lull/admin.sock"
[metrics]
listen = "127.0.0.1:$metrics_port"
[state]
dir = "$dir/lull/state"
[[cluster]]
name = "main"
protocol = "postgresql"
listen = ["127.0.0.1:$lull_port"]
bypass_listen = ["127.0.0.1:$bypass_port"]
primary = "127.0.0.1:$server_port"
replicas = ["127.0.0.1:$standby_port"]
[cluster.auth]
users_file = "$dir/users.txt"
[cluster.service]
user = "lull"
database = "shop"
password_file = "$dir/service.pw"
END_OF_SETTINGS
    settings=(--config "$dir/lull.toml")
}

# lull's own list: on the servers, a session is another one after each move.
sessions() { "$lull" sessions --json | tr '{' '\n' | grep '"user":"app"'; }
connections() { sessions | sed 's/.*"id":"\([^"]*\)".*/\1/' | sort; }
on_standby() { sessions | grep -c '"mode":"replica"' || true; }

server_says_it_is_away() { ! directly 'SELECT 1' >/dev/null 2>&1; }

tell() {
    open_lull --mode replica --reason "more memory"
    # Who was in a transaction follows at its end.
    for _ in {1..50}; do
        moved=$(on_standby)
        [ "$moved" != "${#clients[@]}" ] || break
        patiently sleep 0.1
    done
    say "$moved of ${#clients[@]} sessions are on the standby now, on the connections that they had. What a writer is told:"
    refusal_in "$events".writer.7.err | indented
    patiently sleep 1

    directly "ALTER SYSTEM SET shared_buffers = '$buffers_after'"
    say "${bold}\$ pg_ctl stop${plain}   (a setting that takes a restart: shared_buffers from $buffers_before to $buffers_after)"
    away_us=${EPOCHREALTIME/./}
    patiently "${as_server[@]}" "$bin/pg_ctl" -D "$dir/server/data" -m fast -w stop >"$dir/pg_ctl.log" 2>&1 \
        || { cat "$dir/pg_ctl.log" >&2; fail "PostgreSQL does not stop"; }
    server_says_it_is_away || fail "PostgreSQL is not stopped"
    patiently sleep 3
    say "${bold}\$ pg_ctl start${plain}"
    back_us=${EPOCHREALTIME/./}
    patiently start_at data "$server_port" || { tail -n 20 "$dir/server/log" >&2; fail "PostgreSQL does not start again"; }
    patiently sleep 1
    close_lull
}

# What this story alone has to show: looked at while the clients are there, told, and judged.
look() {
    reads_away=$(count '$1 == "reader" && $6 == "ok" && $4 > away && $4 + $5 < back')
    buffers=$(directly 'SHOW shared_buffers')
    left_behind=$(on_standby)
}
sum_up() {
    echo "  $strange_records records of any transaction; $reads_away reads while the server was away, for $(((back_us - away_us) / 100000))00 ms"
}
judge() {
    verdict "$moved" "$(grep -c . <<<"$connections_before")" "sessions moved to the standby"
    verdict "$left_behind" 0 "sessions left there"
    verdict "$buffers" "$buffers_after" "shared_buffers after the restart"
    [ "$reads_away" != 0 ] || verdict "$reads_away" "more than 0" "reads while the server was away"
}

# Sourced by demo.sh: the MariaDB or MySQL (FLAVOR) that the demo plays on.
#
# Guarantees: no server of the system is started or changed, nor are its option files read. What is not installed comes as
# the tests have it: packages unpacked under build/.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

orders=400000 serve_as=--mysql
case $flavor in
    mariadb) product=MariaDB oldest=10.11 programs=(mariadbd mariadb mariadb-binlog) position=@@gtid_current_pos ;;
    mysql) product=MySQL oldest=8.4 programs=(mysqld mysql mysqlbinlog) position=@@gtid_executed ;;
esac

# ---- what is needed ---------------------------------------------------------------------------------------------------

# A server that is installed, if it can be used: programs that read no option file go to DIR/bin.
find_server() {
    local name program version
    local PATH=$PATH:/usr/local/sbin:/usr/sbin
    # A MySQL that is confined to its own directories cannot be used elsewhere.
    if [ "$flavor" = mysql ] && [ -e /etc/apparmor.d/usr.sbin.mysqld ]; then return 1; fi
    for name in "${programs[@]}"; do
        program=$(command -v "$name") || return 1
        version=$("$program" --version) || return 1
        # MariaDB goes by MySQL's names too.
        case $flavor$version in mysql*MariaDB*) return 1 ;; esac
        printf '#!/bin/sh\nexec %q --no-defaults "$@"\n' "$program" >"$bin/$name"
        chmod 755 "$bin/$name"
    done
}

# Finds or brings one that is unpacked under build/, and knows it by its data directory to start from.
bring_server() {
    local where=$root/build/env
    name_of() { sed -n "s/^LULL_${flavor^^}_$1='\(.*\)'\$/\1/p" "$where"; }
    if [ ! -r "$where" ] || [ ! -x "$(name_of BIN)/${programs[0]}" ]; then
        where=$dir/servers
        patiently "$root/tests/env/install.sh" servers >"$where" || fail "cannot bring $product"
    fi
    bin=$(name_of BIN) template=$(name_of DATA)
}

need_server() {
    local version
    bin=$dir/bin template=''
    mkdir -m 755 "$bin"
    find_server || bring_server
    version=$("$bin/${programs[0]}" --version | sed 's/.*Ver \([0-9.]*\).*/\1/')
    [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] \
        || fail "$product $version is too old: lull needs $oldest"
    server_name="$product $version"
    export LULL_DEMO_CLIENT=$bin/${programs[1]}
    run_server_as mysql
}

# ---- the server -------------------------------------------------------------------------------------------------------

create_data() {
    if [ -n "$template" ]; then
        "${as_server[@]}" cp -R "$template" "$dir/server/data"
    elif [ "$flavor" = mariadb ]; then
        "${as_server[@]}" mariadb-install-db --no-defaults --auth-root-authentication-method=normal --skip-test-db \
            "--datadir=$dir/server/data"
    else
        "${as_server[@]}" "$bin/mysqld" --initialize-insecure --secure-file-priv=NULL "--datadir=$dir/server/data"
    fi
}

start_server() {
    local attempt options=(
        "--datadir=$dir/server/data" "--socket=$dir/server/socket" "--tmpdir=$dir/server/tmp"
        # Root has no password: without names, that is for the socket only, in a directory of our own.
        --bind-address=127.0.0.1 --skip-name-resolve
        --server-id=1 --log-bin=binlog --max-binlog-size=1G --sync-binlog=0
        --innodb-buffer-pool-size=256M --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF
    )
    case $flavor in
        mariadb) options+=(--binlog-format=ROW --binlog-annotate-row-events=OFF) ;;
        mysql) options+=(--gtid-mode=ON --enforce-gtid-consistency=ON --innodb-redo-log-capacity=512M --mysqlx=OFF
            --secure-file-priv=NULL) ;;
    esac
    "${as_server[@]}" mkdir "$dir/server/tmp"
    create_data >"$dir/create.log" 2>&1 || { tail -n 20 "$dir/create.log" >&2; fail "$product makes no data directory"; }
    for attempt in 1 2 3 4 5; do
        free_port server_port
        # Its own file would come only when it is ready.
        # shellcheck disable=SC2016
        setsid "${as_server[@]}" sh -c 'echo $$ >"$0"; exec "$@"' "$dir/server/pid" \
            "$bin/${programs[0]}" "${options[@]}" "--port=$server_port" >"$dir/server.log" 2>&1 &
        for _ in {1..600}; do
            if as_superuser -e 'DO 1' 2>/dev/null; then return; fi
            kill -0 $! 2>/dev/null || break
            sleep 0.1
        done
    done
    tail -n 20 "$dir/server.log" >&2
    fail "$product does not start"
}
# Nothing of the server outlives it, so it need not write down what is about to be removed.
stop_server() { end_process "$1/server/pid" KILL; }

fill_server() {
    {
        echo "SET @orders = $orders;"
        cat "$root/deploy/demo/mysql/schema.sql"
        cat <<END_OF_ACCOUNTS
CREATE USER app@127.0.0.1 IDENTIFIED BY '$app_password', migrator@127.0.0.1 IDENTIFIED BY '$migrator_password';
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO app@127.0.0.1;
GRANT ALL ON shop.* TO migrator@127.0.0.1;
END_OF_ACCOUNTS
    } | as_superuser >"$dir/schema.out"
}

as_superuser() { "$bin/${programs[1]}" "--socket=$dir/server/socket" --user=root -N -B "$@"; }
# Around lull: the demo's outside view.
directly() { as_superuser shop -e "$1"; }

# What this process starts from here on finds the server with these.
log_in_as() { # USER PASSWORD PORT
    LULL_DEMO_LOGIN="--host=127.0.0.1 --port=$3 --user=$1 --database=shop"
    # A password that is not in the server's memory yet travels encrypted with the server's key.
    [ "$flavor" = mariadb ] || LULL_DEMO_LOGIN+=' --get-server-public-key'
    export LULL_DEMO_LOGIN MYSQL_PWD=$2
}
# shellcheck disable=SC2086
run_migration() { "$bin/${programs[1]}" $LULL_DEMO_LOGIN -N -B -n <"$root/deploy/demo/mysql/migration.sql"; }
refusal_in() { head -n 1 "$1" | fold -s -w 100; }
how_to_log_in() { # USER PASSWORD PORT
    echo "$bin/${programs[1]} -h 127.0.0.1 -P $3 -u $1 -p$2 shop"
}

# ---- what it knows ----------------------------------------------------------------------------------------------------

connections() { directly 'SHOW PROCESSLIST' | awk '$2 == "app" { print $1 }' | sort -n; }
log_position() { directly "SELECT $position"; }

# Records of the binary log between the fence and the end of the lull that belong to a transaction other than the
# migration's. What only reads has none; each of these transactions changed a row, or something that is more than a row.
strangers_in_the_log() { # OWN CONNECTIONS AND TRANSACTIONS
    local range=("--start-position=$fence_position" "--stop-position=$end_position")
    [ "$flavor" = mariadb ] || range=("--exclude-gtids=$fence_position" "--include-gtids=$end_position")
    "${as_server[@]}" "$bin/${programs[2]}" --base64-output=DECODE-ROWS "${range[@]}" "$dir/server/data/binlog.000001" \
        | awk -F '\t' -v own="$1" '
            BEGIN { split(own, list, " "); for (i in list) is_own[list[i]] = 1 }
            function finish() {
                if (is_migration) migration += length_so_far
                else if (length_so_far) { others += length_so_far; rows += changed ? changed : 1 }
                length_so_far = changed = is_migration = 0
            }
            !/^#[0-9]+ .* end_log_pos / { next }
            { records++ }
            $2 ~ /^(Start|Stop|Rotate|Previous-GTIDs|Gtid list|Binlog checkpoint)/ { finish(); next }
            $2 ~ /^GTID/ { finish(); split($2, words, " "); if (words[2] in is_own) is_migration = 1 }
            { length_so_far++ }
            $2 == "Query" { sub(/thread_id=/, "", $3); if ($3 in is_own) is_migration = 1 }
            $2 ~ /^(Write|Update|Delete)_rows/ { changed++ }
            END { finish(); print records + 0, migration + 0, others + 0, rows + 0 }'
}

# Sourced by demo.sh: finds or installs what is needed, builds, starts and stops lull, and takes everything down.
#
# Guarantees: everything lives in one new directory with processes that can be found from it.
#
# The stage.sh of postgres/ and mysql/ says how their servers do it, in functions of the same names: need_server,
# start_server, stop_server, fill_server, directly, log_in_as, run_migration, refusal_in, how_to_log_in, connections,
# log_position, strangers_in_the_log. migration.sh and restart.sh tell the stories.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

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

apt_install() {
    command -v apt-get >/dev/null || fail "missing: $*. Install them (the demo itself can only use apt-get)."
    [ "$(id -u)" = 0 ] || fail "missing: $*. Run once: sudo apt-get install $*"
    echo "apt-get install $*"
    [ -n "${apt_lists_read:-}" ] || patiently apt-get -qq update >>"$dir/install.log" 2>&1 || true
    apt_lists_read=yes
    patiently env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" \
        >>"$dir/install.log" 2>&1 || { tail -n 20 "$dir/install.log" >&2; fail "cannot install $*"; }
}

need_everything() {
    command -v cargo >/dev/null || PATH=$PATH:$HOME/.cargo/bin
    command -v cargo >/dev/null || fail "missing: a Rust toolchain (https://rustup.rs)"
    command -v cc >/dev/null || apt_install gcc libc6-dev
    need_server
}

# Makes the server's directory. No server runs as root.
run_server_as() { # USER, IF THERE IS ONE
    local user=$1
    as_server=()
    mkdir -m 700 "$dir/server"
    if [ "$(id -u)" = 0 ]; then
        getent passwd "$user" >/dev/null || user=nobody
        chown "$user" "$dir/server"
        as_server=(runuser -u "$user" --)
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

# What lull is told, in `settings`. A story may want more than flags can say.
settle_settings() {
    settings=("$serve_as" "127.0.0.1:$server_port" --listen "127.0.0.1:$lull_port" --bypass "127.0.0.1:$bypass_port"
        --metrics "127.0.0.1:$metrics_port" --admin "$dir/lull/admin.sock" --state "$dir/lull/state")
}

start_lull() {
    local attempt
    mkdir -m 700 "$dir/lull"
    for attempt in 1 2 3 4 5; do
        free_port lull_port
        free_port bypass_port
        free_port metrics_port
        settle_settings
        setsid "$lull" serve "${settings[@]}" >"$dir/lull/log" 2>&1 &
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
    # Each client is a process group: itself and the program that it asks.
    for pid in "${clients[@]}"; do kill -KILL -- "-$pid" 2>/dev/null; done
    for pid in "${clients[@]}" ${ticker:-}; do wait "$pid" 2>/dev/null; done
    end_process "$1/lull/pid" KILL
    stop_server "$1"
    rm -rf "$1"
}

# Ends the process that a pid file in the directory names, if it still is what it was, and waits for its end.
end_process() { # FILE SIGNAL
    local pid
    pid=$(head -n 1 "$1" 2>/dev/null)
    case $(tr '\0' ' ' 2>/dev/null <"/proc/${pid:-none}/cmdline") in *"$(dirname "$1")"*) ;; *) return ;; esac
    kill -"$2" "$pid"
    wait "$pid" 2>/dev/null
    for _ in {1..100}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
}

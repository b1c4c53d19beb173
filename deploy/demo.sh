#!/usr/bin/env bash
# The main job of lull, shown on this machine: a table is rewritten under an application that goes on reading.
#
#   deploy/demo.sh              the whole story on PostgreSQL, then everything is taken away
#   deploy/demo.sh --mariadb    on MariaDB
#   deploy/demo.sh --mysql      on MySQL
#   deploy/demo.sh --replica    another story: PostgreSQL is restarted, and the application reads on from a standby
#   deploy/demo.sh ... --keep   leaves server and lull running, and says how to play with them
#   deploy/demo.sh --stop DIR   takes away what --keep left
#
# Installs or brings what is missing (Debian, Ubuntu; needs root for PostgreSQL only), builds, and starts a server and a
# lull of its own on free ports of 127.0.0.1. Exits with 0 only if no read failed, no acknowledged write was lost, no
# client changed anything in the lull and no session was dropped. Heeds CARGO_TARGET_DIR, TMPDIR and PG_BIN.
# shellcheck disable=SC2016,SC2317 # awk's programs; functions that others call
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=demo/stage.sh
. "$root/deploy/demo/stage.sh"
# shellcheck source-path=SCRIPTDIR source=demo/figures.sh
. "$root/deploy/demo/figures.sh"

flavor=postgres keep='' stop=''
while [ $# -gt 0 ]; do
    case $1 in
        --mariadb | --mysql | --postgres | --replica) flavor=${1#--} ;;
        --keep) keep=yes ;;
        --stop) stop=${2:?--stop needs the directory that --keep named}; shift ;;
        *) sed -n '2,/^# shellcheck/{/^# shellcheck/!s/^# \{0,1\}//p}' "$0"; case $1 in -h | --help) exit 0 ;; *) exit 2 ;; esac ;;
    esac
    shift
done
bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

clients=()
if [ -n "$stop" ]; then
    case $(basename "$stop") in lull-demo.*) ;; *) fail "$stop is not a directory of this demo" ;; esac
    stop=$(cd "$stop" && pwd)
    flavor=$(cat "$stop/flavor")
fi
case $flavor in postgres | replica) family=postgres ;; *) family=mysql ;; esac
case $flavor in replica) story=restart ;; *) story=migration ;; esac
# shellcheck source-path=SCRIPTDIR source=demo/postgres/stage.sh
. "$root/deploy/demo/$family/stage.sh"
# shellcheck source-path=SCRIPTDIR source=demo/migration.sh
. "$root/deploy/demo/$story.sh"
if [ -n "$stop" ]; then strike "$stop"; exit; fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/lull-demo.XXXXXX")
chmod 711 "$dir"
echo "$flavor" >"$dir/flavor"
undo_ban() { :; }
trap 'status=$?; trap "" INT TERM HUP; undo_ban; strike "$dir"; exit $status' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- before -----------------------------------------------------------------------------------------------------------

need_everything
echo "Building lull (release; takes minutes the first time) ..."
build
echo "Starting $server_name with a table of $((orders / 1000)) thousand orders$besides, and lull in front of it ..."
app_password=$(random_password) migrator_password=$(random_password)
start_server
patiently fill_server
prepare
start_lull
export LULL_ADMIN=$dir/lull/admin.sock

events=$dir/events
: >"$events"
began_us=${EPOCHREALTIME/./}
export LULL_DEMO_FAMILY=$family LULL_DEMO_ORDERS=$orders
start_client() {
    {
        log_in_as app "$app_password" "$lull_port"
        exec setsid "$root/deploy/demo/client.sh" "$1" "$2" "$events" 2>>"$dir/clients.err"
    } &
    clients+=($!)
}
for id in 1 2 3 4 5 6; do start_client reader "$id"; done
for id in 7 8 9; do start_client writer "$id"; done
start_client slow-writer 10
for _ in {1..100}; do
    [ "$(count '$6 == "logged-in"')" != "${#clients[@]}" ] || break
    sleep 0.1
done
[ "$(count '$6 == "logged-in"')" = "${#clients[@]}" ] || { cat "$events".*.err >&2; fail "clients cannot log in"; }
connections_before=$(connections)

echo
say "${bold}6 readers and 4 writers are at work through lull,${plain} each on one connection. Readers ask every 10 ms and know"
echo "the right answers; one of the writers holds its transactions open for 0.7 s." | indented
tick &
ticker=$!
patiently sleep 4.5

# ---- the lull ---------------------------------------------------------------------------------------------------------

as_typed() {
    local word
    for word; do case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac; done
}
open_lull() { # ARGUMENTS OF lull on
    local on=0
    say "${bold}\$ lull on main/shop$(as_typed "$@")${plain}"
    patiently "$lull" on main/shop "$@" >"$dir/on.out" 2>"$dir/on.err" || on=$?
    fenced_us=${EPOCHREALTIME/./}
    cat "$dir/on.err" "$dir/on.out" | indented
    [ "$on" = 0 ] || fail "lull on: exit code $on"
    fence_position=$(sed -n 's/^  position \([^ ]*\).*/\1/p' "$dir/on.out")
    [ -n "$fence_position" ] || fail "the fence has no position"
}
close_lull() {
    end_position=$(log_position)
    ended_us=${EPOCHREALTIME/./}
    say "${bold}\$ lull off main/shop${plain}"
    patiently "$lull" off main/shop | indented
    over_us=${EPOCHREALTIME/./}
}
tell
patiently sleep 4

# ---- after ------------------------------------------------------------------------------------------------------------

connections_after=$(connections)
look
touch "$events.stop"
lost_clients=0 hanging_clients=0
for client in "${clients[@]}"; do
    for _ in {1..50}; do kill -0 "$client" 2>/dev/null || break; sleep 0.1; done
    if kill -KILL -- "-$client" 2>/dev/null; then hanging_clients=$((hanging_clients + 1)); fi
    wait "$client" 2>/dev/null || lost_clients=$((lost_clients + 1))
done
lost_clients=$((lost_clients - hanging_clients))
clients=()
kill "$ticker"
wait "$ticker" 2>/dev/null || true
ticker=

in_lull='$4 > after && $4 + $5 < before'
failed_reads=$(count '$1 == "reader" && $6 != "ok" && $6 != "logged-in"')
strange_writes=$(count '$1 ~ /writer$/ && $6 !~ /^(ok|25006|logged-in)$/')
early_writes=$(count "\$1 ~ /writer\$/ && \$6 == \"ok\" && $in_lull")
aborted=$(grep -cE '^  (aborted|terminated|finished|waiting|reported) ' "$dir/on.out" || true)
late_refusals=$(count '$1 ~ /writer$/ && $6 == "25006" && $4 > over')
refusals=$(count '$1 ~ /writer$/ && $6 == "25006"')
writes=$(compare_writes)
read -r acknowledged lost_writes ghost_writes <<<"$writes"
strangers=$(strangers_in_the_log "$own" 2>"$dir/log.err") || { cat "$dir/log.err" >&2; fail "the server's log cannot be read"; }
read -r records own_records strange_records strange_rows <<<"$strangers"
dropped=$(comm -23 <(sort <<<"$connections_before") <(sort <<<"$connections_after") | grep -c . || true)
reads=$(count '$1 == "reader" && $6 == "ok"')
reads_in_lull=$(count "\$1 == \"reader\" && \$6 == \"ok\" && $in_lull")
read -r median slowest <<<"$(read_times)"

echo
echo "${bold}Measured${plain}"
echo "  $reads reads, $reads_in_lull of them in the lull (median $median ms, slowest $slowest ms); $acknowledged writes acknowledged, $refusals refused"
echo "  the server's log from the fence, $fence_position, to the end of the lull, $end_position:"
sum_up
echo
verdicts=0
verdict "$failed_reads" 0 "reads failed or answered wrongly"
verdict "$lost_writes" 0 "writes acknowledged and lost"
verdict "$strange_rows" 0 "rows changed by clients during the lull"
verdict "$early_writes" 0 "writes acknowledged during the lull"
verdict "$ghost_writes" 0 "writes refused, but done"
verdict "$strange_writes" 0 "writes that failed in another way"
verdict "$aborted" 0 "transactions that the drain had to end"
verdict "$late_refusals" 0 "writes refused after the lull"
verdict "$((dropped > lost_clients ? dropped : lost_clients))" 0 "sessions dropped, of $(grep -c . <<<"$connections_before")"
verdict "$hanging_clients" 0 "sessions that do not answer any more"
judge
if [ "$acknowledged" = 0 ] || [ "$refusals" = 0 ] || [ "$reads_in_lull" = 0 ]; then
    echo "  Too little happened for this to prove anything."
    verdicts=1
fi
[ "$verdicts" = 0 ] || cat "$dir/clients.err" >&2

if [ -n "$keep" ]; then
    trap - EXIT
    cat <<END_OF_HINTS

${bold}Left running${plain} (the readers and writers have ended):
  through lull    $(how_to_log_in app "$app_password" "$lull_port")
  bypass          $(how_to_log_in migrator "$migrator_password" "$bypass_port")
  admin socket    psql -h $dir/lull -d lull          (SHOW LULLS, SHOW SESSIONS, LULL ON main/shop ...)
  command line    export LULL_ADMIN=$LULL_ADMIN
                  $lull on main/shop --reason "..."; $lull status; $lull off main/shop
  metrics         http://127.0.0.1:$metrics_port/metrics
  end it all      $root/deploy/demo.sh --stop $dir
END_OF_HINTS
fi
exit "$verdicts"

#!/usr/bin/env bash
# One client of the demo: a psql that logs in once and keeps its connection, asked one thing after another.
#
#   client.sh reader|writer|slow-writer ID EVENTS      until the file EVENTS.stop is there
#
# The connection is libpq's environment. Each answer is one line in EVENTS:
#   KIND ID NUMBER SENT_US TOOK_US RESULT       RESULT is ok, wrong, lost-connection or the SQLSTATE
set -u
trap '' PIPE # a psql that has ended is noticed by its silence
export LC_ALL=C
kind=$1 id=$2 events=$3

# A pipe that nobody writes to: waiting for it with a timeout is a sleep without a process.
exec {never}<> <(:)
pause() { read -r -t "$1" -u "$never" || true; }
note() { echo "$kind $id $number $sent $((now - sent)) $1" >>"$events"; }

coproc PSQL { exec "$LULL_DEMO_PSQL" -qAtX -v VERBOSITY=default 2>>"$events.$kind.$id.err"; }
ask=${PSQL[1]} answers=${PSQL[0]} psql_pid=$PSQL_PID

# Sends a statement; `code` becomes its SQLSTATE, `answer` the first value of its result.
run() {
    local line
    answer=
    printf '%s;\n\\echo = :SQLSTATE\n' "$1" >&"$ask" || lost
    while :; do
        read -r line <&"$answers" || lost
        case $line in "= "*) code=${line#= }; now=${EPOCHREALTIME/./}; return ;; esac
        answer=${answer:-$line}
    done
}
lost() { now=${EPOCHREALTIME/./}; note lost-connection; exit 1; }
begin() { number=$((number + 1)); sent=${EPOCHREALTIME/./}; }

# The answer is known beforehand: that a read succeeds is not enough.
reader() {
    local order=$((RANDOM * 40 + RANDOM % 40 + 1))
    begin
    run "EXECUTE look_up($order)"
    if [ "$code" != 00000 ]; then note "$code"; elif [ "$answer" = $((order % 9973)) ]; then note ok; else note wrong; fi
    pause 0.01
}
insert() { run "INSERT INTO orders (customer, cents, writer, number) VALUES ($id, 1, $id, $number)"; }
writer() {
    begin
    insert
    [ "$code" = 00000 ] && code=ok
    note "$code"
    pause 0.05
}
# Thinks between its statements, as sessions do: a fence has to wait for it.
slow-writer() {
    local refusal=
    begin
    run BEGIN
    insert
    [ "$code" = 00000 ] || refusal=$code
    pause 0.7
    run COMMIT
    [ "$code" = 00000 ] || refusal=$code
    note "${refusal:-ok}"
    pause 0.1
}

number=0 sent=${EPOCHREALTIME/./}
[ "$kind" != reader ] || run 'PREPARE look_up(integer) AS SELECT cents FROM orders WHERE id = $1'
run 'SELECT pg_backend_pid()'
number=$answer
note logged-in
number=0
while [ ! -e "$events.stop" ]; do "$kind"; done
exec {ask}>&-
wait "$psql_pid"

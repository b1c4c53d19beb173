#!/usr/bin/env bash
# One client of the demo: a psql or mysql that logs in once and keeps its connection, asked one thing after another.
#
#   client.sh reader|writer|slow-writer ID EVENTS      until the file EVENTS.stop is there
#
# Each answer is one line in EVENTS:
#   KIND ID NUMBER SENT_US TOOK_US RESULT       RESULT is ok, wrong, lost-connection or the SQLSTATE
set -u
trap '' PIPE # a program that has ended is noticed by its silence
export LC_ALL=C
kind=$1 id=$2 events=$3

# Gives log_in, look_up, run. They set code and answer.
# shellcheck source-path=SCRIPTDIR source=postgres/client.sh
. "$(dirname "$0")/$LULL_DEMO_FAMILY/client.sh"

# A pipe that nobody writes to: waiting for it with a timeout is a sleep without a process.
exec {never}<> <(:)
pause() { read -r -t "$1" -u "$never" || true; }
begin() { number=$((number + 1)); sent=${EPOCHREALTIME/./}; }
answered() { now=${EPOCHREALTIME/./}; }
note() { echo "$kind $id $number $sent $((now - sent)) $1" >>"$events"; }
lost() { answered; note lost-connection; exit 1; }

# The answer is known beforehand: that a read succeeds is not enough.
reader() {
    local order=$(((RANDOM * 40 + RANDOM % 40) % LULL_DEMO_ORDERS + 1))
    begin
    look_up "$order"
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

number=0 sent=${EPOCHREALTIME/./} code='' answer=''
log_in
# Known from here on: bash forgets the variables of a coprocess that has ended.
ask=${SQL[1]} client_pid=$SQL_PID
number=$answer
note logged-in
number=0
while [ ! -e "$events.stop" ]; do "$kind"; done
exec {ask}>&-
wait "$client_pid"

# Sourced by client.sh: how a psql is asked. The connection is libpq's environment.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

log_in() {
    export PGAPPNAME="$kind $id"
    coproc SQL { exec "$LULL_DEMO_CLIENT" -qAtX -v VERBOSITY=default 2>>"$events.$kind.$id.err"; }
    # shellcheck disable=SC2016
    run 'PREPARE look_up(integer) AS SELECT cents FROM orders WHERE id = $1'
    run 'SELECT pg_backend_pid()'
}
look_up() { run "EXECUTE look_up($1)"; }

# Sends a statement; `code` becomes its SQLSTATE, `answer` the first value of its result.
run() {
    local line
    answer=
    printf '%s;\n\\echo = :SQLSTATE\n' "$1" >&"${SQL[1]}" || lost
    while read -r line <&"${SQL[0]}" || lost; do
        case $line in "= "*) code=${line#= }; answered; return ;; esac
        answer=${answer:-$line}
    done
}

# Sourced by client.sh: how a mysql or mariadb is asked. It shows each statement (`-vv`) and ends every answer with a line
# of its own, at once (`-n`); with `-f` an error does not end it. LULL_DEMO_LOGIN and MYSQL_PWD are its login.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

log_in() {
    coproc SQL {
        # shellcheck disable=SC2086
        exec "$LULL_DEMO_CLIENT" $LULL_DEMO_LOGIN --skip-reconnect -N -vv -n -f 2>&1
    }
    run 'SELECT CONNECTION_ID()'
}
look_up() { run "SELECT cents FROM orders WHERE id = $1"; }

# Sends a statement; `code` becomes its SQLSTATE, `answer` the first number of its result. Error numbers other than those
# of a write in a read-only session are noted as they are: 25006 is 1792 and nothing else.
run() {
    local line
    answer=
    printf '%s;\n' "$1" >&"${SQL[1]}" || lost
    while read -r line <&"${SQL[0]}" || lost; do
        case $line in
            'Query OK'* | [0-9]*' in set'* | 'Empty set'*) code=00000; answered; return ;;
            # Before it may be a piece of an earlier statement: what is shown is held back, errors are not.
            *'ERROR 1792 (25006)'*) code=25006 ;;
            *'ERROR 2006 '* | *'ERROR 2013 '*) lost ;;
            *'ERROR '*) code=${line##*ERROR } code=${code%% *} ;;
            [0-9]*) answer=${answer:-$line}; continue ;;
            *) continue ;;
        esac
        answered
        echo "ERROR ${line##*ERROR }" >>"$events.$kind.$id.err"
        return
    done
}

# Sourced by demo.sh: what is seen while it runs, and what it comes to. Every figure is counted here, from the clients'
# own notes, or by asking the server around lull.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

elapsed() {
    local tenths=$(((${EPOCHREALTIME/./} - began_us) / 100000))
    printf '%3d.%d s' $((tenths / 10)) $((tenths % 10))
}
say() { printf '%s  %s\n' "$(elapsed)" "$*"; }
indented() { sed 's/^/           /'; }

# A line each second: what the clients noted since the line before.
tick() {
    local seen=0 lines figures
    while sleep 1; do
        figures=$(tail -n +$((seen + 1)) "$events" | awk '
            $1 == "reader" && $6 != "logged-in" { reads++; if ($6 != "ok") bad++; if ($5 > slowest) slowest = $5 }
            $1 ~ /writer$/ && $6 == "ok" { written++ }
            $1 ~ /writer$/ && $6 == "25006" { refused++ }
            $1 ~ /writer$/ && $6 !~ /^(ok|25006|logged-in)$/ { bad++ }
            END { printf "%d reads %4d/s, slowest %3d ms   writes %3d/s   refused %3d/s   failed %d", \
                NR, reads, slowest / 1000, written, refused, bad }')
        lines=${figures%% *}
        seen=$((seen + lines))
        say "${dim}${figures#* }${plain}"
    done
}

# How many of the clients' notes meet a condition of awk's. It may speak of the fence (after), of the moment before
# `lull off` was called (before), of its end (over), and of when the server went away and was back (away, back).
count() {
    awk -v after="${fenced_us:-0}" -v before="${ended_us:-0}" -v over="${over_us:-0}" -v away="${away_us:-0}" \
        -v back="${back_us:-0}" "$1 { n++ } END { print n + 0 }" "$events"
}

# The clients' notes against the rows that are there: acknowledged, of these missing, of the refused ones present.
compare_writes() {
    directly 'SELECT writer, number FROM orders WHERE writer IS NOT NULL' >"$dir/written" || return
    awk '
        FILENAME == ARGV[1] { there[$1, $2] = 1; next }
        $1 !~ /writer$/ || $6 == "logged-in" { next }
        $6 == "ok" { acknowledged++; if (!(($2, $3) in there)) lost++ }
        $6 != "ok" && ($2, $3) in there { ghosts++ }
        END { print acknowledged + 0, lost + 0, ghosts + 0 }' "$dir/written" "$events"
}

# "median slowest" of the reads in milliseconds that ended in the lull.
read_times() {
    awk -v after="$fenced_us" -v before="$ended_us" \
        '$1 == "reader" && $6 == "ok" && $4 > after && $4 < before { print $5 }' "$events" | sort -n \
        | awk '{ t[NR] = $1 } END { if (NR) printf "%.1f %.1f", t[int((NR + 1) / 2)] / 1000, t[NR] / 1000 }'
}

# What must be so, what was measured; remembers whether all is well.
verdict() { # MEASURED EXPECTED TEXT
    local mark=ok
    if [ "$1" != "$2" ]; then mark="NOT OK: expected $2"; verdicts=1; fi
    printf '  %-44s %8s   %s\n' "$3" "$1" "$mark"
}

# Sourced by demo.sh: the story of a migration. A table is rewritten while reads go on on the server itself.
#
# It sets what figures.sh counts by: fenced_us, ended_us, over_us, fence_position, end_position; and own, the transactions
# that may stand in the server's log.
# shellcheck shell=bash disable=SC2034,SC2154 # what is set or used where this is sourced

# Before lull starts: nothing but the server.
besides=''
prepare() { :; }

migrate() {
    log_in_as migrator "$migrator_password" "$bypass_port"
    run_migration 2>"$dir/migration.err" | while IFS= read -r line; do
        echo "$line" >>"$dir/migration.out"
        case $line in own*) ;; *) say "  $line" ;; esac
    done
}

tell() {
    local migration_began_us migration_ms
    open_lull --reason "upgrade to 4.2"
    patiently sleep 1.5
    say "What a client that writes is told now:"
    refusal_in "$events".writer.7.err | indented

    say "${bold}\$ bin/migrate${plain}   (through the bypass: rewrites the table, then swaps it in)"
    migration_began_us=${EPOCHREALTIME/./}
    patiently migrate || { cat "$dir/migration.err" >&2; fail "the migration failed"; }
    migration_ms=$(((${EPOCHREALTIME/./} - migration_began_us) / 1000))
    say "  migrated in $((migration_ms / 1000)).$((migration_ms % 1000 / 100)) s"
    patiently sleep 1
    own=$(sed -n 's/^own//p' "$dir/migration.out" | tr '\n' ' ')
    close_lull
}

# What this story alone has to show: looked at while the clients are there, told, and judged.
look() { rewritten=$(directly 'SELECT count(*) FROM orders WHERE reference IS NOT NULL'); }
sum_up() {
    echo "  $own_records records of the migration's transactions, $strange_records of others, $((records - own_records - strange_records)) of none; $rewritten rows in the new table"
}
judge() { :; }

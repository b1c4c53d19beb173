#!/usr/bin/env bash
# Installs what is missing and runs every test, on real servers that the tests start themselves.
#
#   tests/run.sh                    everything
#   tests/run.sh --test it errors   what `cargo test` takes
#
# The integration tests are one program whose tests run as threads and share servers. Under a runner that gives each test a
# process of its own (cargo nextest) they pass too, but each then pays for servers of its own.
# Heeds CARGO_TARGET_DIR, and LULL_TEST_THREADS (how many tests at a time; they wait more than they compute).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/env/install.sh
set -a
# shellcheck disable=SC1091
. build/env
set +a
export RUST_TEST_THREADS=${LULL_TEST_THREADS:-$(($(nproc) * 2))}
ulimit -Sn "$(ulimit -Hn)" # a thousand sessions have two ends each
export RUST_BACKTRACE=${RUST_BACKTRACE:-0}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
cargo test --quiet --no-run "$@" || status=$?
if [ "$status" = 0 ]; then
    timeout "${LULL_TEST_TIMEOUT:-40m}" cargo test --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
    printf '\nIn short:\n'
    sed -nE 's/^ +(Running|Doc-tests) +([^(]*).*/  \2/p; s/^test result: /    /p; s/^test (.*) \.\.\. FAILED$/    failed: \1/p' "$log"
fi
[ "$status" = 0 ] || echo "tests/run.sh: FAILED (status $status)"
exit "$status"

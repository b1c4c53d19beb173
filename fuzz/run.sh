#!/usr/bin/env bash
# Fuzzes every target, or one, for so many seconds each (FUZZ_SECONDS, 1200), on a stable toolchain.
#
#   fuzz/run.sh [TARGET [SEED]]      random and mutated inputs
#   fuzz/run.sh --guided TARGET      libFuzzer, guided by coverage; without sanitizers, which need a nightly compiler
#                                    (and find little in a crate without unsafe code)
#
# What it finds is in fuzz/found/; make it a fixture: protocol-fixtures/raw/TARGET-WHAT.bin, with a line in README.md there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${FUZZ_SECONDS:-1200}
if [ "${1:-}" = --guided ]; then
    export FUZZ_TARGET=${2:?which target}
    flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
    host=$(rustc -vV | sed -n 's/^host: //p')
    # With --target the flags do not reach build scripts.
    RUSTFLAGS="$flags" cargo build --release --features libfuzzer --bin guided --target "$host"
    mkdir -p "corpus/$FUZZ_TARGET"
    target=${CARGO_TARGET_DIR:-target}
    exec "$target/$host/release/guided" "corpus/$FUZZ_TARGET" -max_total_time="$seconds" -artifact_prefix="found/$FUZZ_TARGET-"
fi
cargo run --quiet --release --bin fuzz -- "${1:-all}" "$seconds" ${2:+"$2"}

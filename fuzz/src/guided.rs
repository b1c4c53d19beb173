//! The same targets under libFuzzer: `FUZZ_TARGET=session guided CORPUS -max_total_time=60`.

#![no_main]

mod targets;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    for (of, target) in targets::TARGETS {
        if of == name || name.is_empty() {
            target(input);
        }
    }
});

//! The fuzz targets (`fuzz/`): every input that once found something, and a short run of new ones.
//!
//! `FUZZ_SECONDS` says how long each target runs (20), `FUZZ_SEED` with which seed. `fuzz/run.sh` runs them for long.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../fuzz/src/targets/mod.rs"]
#[allow(dead_code, unreachable_pub)]
mod targets;

use targets::{TARGETS, Target};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(usual, |text| text.parse().expect("a number"))
}

#[test]
fn what_fuzzing_has_found_is_found_no_more() {
    let raw = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures/raw");
    for entry in fs::read_dir(raw).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let target = TARGETS.iter().find(|(name, _)| file.starts_with(name));
            eprintln!("{file}");
            target.expect("the name of a target begins it").1(&fs::read(&path).expect("a file"));
        }
    }
}

fn fuzz(name: &str) {
    let target: Target = TARGETS
        .iter()
        .find(|(other, _)| *other == name)
        .expect("a target")
        .1;
    let seed = number("FUZZ_SEED", u64::from(std::process::id()));
    eprintln!("{name}: seed {seed}");
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 20));
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 24
    };
    while Instant::now() < until {
        let bytes = next() % [32, 128, 1024][usize::try_from(next() % 3).expect("small")];
        let input: Vec<u8> = (0..bytes).map(|_| next().to_le_bytes()[0]).collect();
        let done = std::panic::catch_unwind(|| target(&input));
        assert!(
            done.is_ok(),
            "{name} fails (seed {seed}): {}",
            input.escape_ascii()
        );
    }
}

#[test]
fn frames_hold_for_any_bytes() {
    fuzz("frames");
}

#[test]
fn decoders_hold_for_any_bytes() {
    fuzz("wire");
}

#[test]
fn proofs_of_passwords_hold_for_any_bytes() {
    fuzz("auth");
}

#[test]
fn the_packets_of_a_mysql_login_hold_for_any_bytes() {
    fuzz("mysql_login");
}

#[test]
fn the_packets_of_a_mysql_session_hold_for_any_bytes() {
    fuzz("mysql_packets");
}

#[test]
fn a_mysql_session_between_two_liars_holds() {
    fuzz("mysql_garbage");
}

#[test]
fn the_lexer_holds_for_any_text() {
    fuzz("lexer");
}

#[test]
fn the_lexer_of_mysql_holds_for_any_text() {
    fuzz("mysql_texts");
}

#[test]
fn a_session_between_two_liars_holds() {
    fuzz("garbage");
}

#[test]
fn a_session_holds_for_any_order_of_events() {
    fuzz("session");
}

//! What pure parts must not know, and that nothing is global.

use super::reading::{assert_none, sources};

/// Parts that know no socket, clock, log, task or global.
const PURE: &[&str] = &["auth", "sql", "wire", "gate", "session"];
const IMPURE: &[(&str, &str)] = &[
    ("tokio", "a task or a socket"),
    ("std::net", "a socket"),
    ("std::os", "the system"),
    ("std::fs", "a file"),
    ("std::env", "the environment"),
    ("std::thread", "a thread"),
    ("Instant", "a clock: time is an argument"),
    ("SystemTime", "a clock: time is an argument"),
    ("tracing", "a log"),
    ("println!", "output"),
    ("eprintln!", "output"),
    ("prometheus", "metrics"),
    ("Mutex", "a lock"),
    ("sync::atomic", "shared state"),
    ("thread_local!", "a global"),
    ("OnceLock", "a global"),
    ("LazyLock", "a global"),
];

#[test]
fn pure_parts_know_no_socket_clock_log_task_or_global() {
    let mut found = Vec::new();
    for source in sources("src") {
        if source.is_test() || !PURE.iter().any(|part| source.is_in(part)) {
            continue;
        }
        for (at, line) in source.code() {
            for (word, what) in IMPURE.iter().filter(|(word, _)| names(&line, word)) {
                found.push(format!("src/{}:{at} knows {what} ({word})", source.path));
            }
        }
    }
    assert_none("pure parts are not pure", &found);
}

/// Whether a word stands in the line with nothing in front of it that would make it another.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// What runs on a worker's thread, whose event loop has no timers: tokio's would panic there.
const ON_WORKERS: &[&str] = &["relay", "connect", "server/worker"];
const TIMERS: &[&str] = &["timeout(", "timeout_at(", "sleep(", "sleep_until(", "interval("];

#[test]
fn on_workers_only_the_clock_sets_timers() {
    let mut found = Vec::new();
    for source in sources("src") {
        if source.is_test()
            || !ON_WORKERS
                .iter()
                .any(|part| source.is_in(part) || source.path == *part)
        {
            continue;
        }
        for (at, line) in source.code() {
            // The methods of the clock have the names of what they do.
            let own = |timer: &&&str| names(&line.replace(".timeout", "_timeout"), timer);
            for timer in TIMERS.iter().filter(own) {
                found.push(format!(
                    "src/{}:{at} sets a timer of its own: {timer})",
                    source.path
                ));
            }
        }
    }
    assert_none("timers that are not the clock's", &found);
}

/// What must be a static, and why. None can be written to.
const GLOBALS: &[(&str, &str)] = &[(
    "static ALLOCATOR: MiMalloc",
    "Rust wants the allocator in a static; it has no value",
)];

#[test]
fn nothing_is_global_and_mutable() {
    let mut found = Vec::new();
    for source in sources("src") {
        for (at, line) in source.code() {
            let line = line.trim_start();
            let declared = [
                "static ",
                "pub static ",
                "pub(crate) static ",
                "pub(super) static ",
            ];
            let is_static = declared.iter().any(|start| line.starts_with(start));
            let allowed = GLOBALS.iter().any(|(start, _)| line.starts_with(start));
            if is_static && !allowed || line.contains("thread_local!") || line.contains("lazy_static!") {
                found.push(format!("src/{}:{at} {line}", source.path));
            }
        }
    }
    assert_none("globals (a constant is a const)", &found);
}

//! The shape of the house, held by a test: who may know whom (DESIGN 4), sizes, words, and no globals.
//!
//! It reads the sources as text, on purpose: what it forbids is forbidden even where the compiler would not mind.

use crate::support::places::project;
use std::fs;
use std::path::Path;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 110;

/// What each part of the house may name of the others. A part that is not listed may name nothing.
///
/// The longest entry that a file's path begins with is its part.
const MAY_KNOW: &[(&str, &[&str])] = &[
    // Pure: bytes and policy. Nothing above them, and not each other.
    ("sql", &[]),
    ("wire/pg", &[]),
    ("wire/mysql", &[]),
    // A lull names no protocol.
    ("gate", &[]),
    ("fault", &[]),
    ("config", &[]),
    // The trait that the relay drives; its instructions carry what an audit found.
    ("session", &["fault", "gate", "sql"]),
    ("session/pg", &["fault", "gate", "session", "sql", "wire/pg"]),
    (
        "session/mysql",
        &["fault", "gate", "session", "sql", "wire/mysql"],
    ),
    // The loop knows sessions by their trait, and counts. The words of an audit pass through the roster unopened.
    ("relay", &["fault", "gate", "session", "sql", "telemetry"]),
    // Login speaks the protocols, makes the session, and hands both to the relay. It knows a principal, never a lull.
    ("connect", &["config", "fault", "relay", "telemetry"]),
    (
        "connect/pg",
        &[
            "config",
            "connect",
            "fault",
            "gate",
            "relay",
            "session",
            "telemetry",
            "wire/pg",
        ],
    ),
    (
        "connect/dial.rs",
        &["config", "connect", "fault", "relay", "wire/pg"],
    ),
    ("connect/probe.rs", &["config", "connect"]),
    // The commands and answers of operators, as data; what they are about is the gate's.
    ("admin", &["gate"]),
    // Figures are labelled by lulls, scopes and faults, and show what the console shows.
    ("telemetry", &["admin", "config", "fault", "gate"]),
    (
        "server",
        &[
            "admin",
            "config",
            "connect",
            "gate",
            "relay",
            "session",
            "sql",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "admin",
            "config",
            "connect",
            "gate",
            "server",
            "session",
            "telemetry",
        ],
    ),
    // The library's and the program's roots name what there is.
    ("lib.rs", &["*"]),
    ("main.rs", &["*"]),
];

/// Parts that know no socket, clock, log, task or global.
const PURE: &[&str] = &["sql", "wire", "gate", "session"];
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
    ("Atomic", "shared state"),
    ("thread_local!", "a global"),
    ("OnceLock", "a global"),
    ("LazyLock", "a global"),
];

/// Words that say nothing about what a thing is.
const EMPTY_WORDS: [&str; 4] = ["manager", "handler", "helper", "util"];

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, and why.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

struct Source {
    /// Below `src`, or below `tests/it`.
    path: String,
    text: String,
}

impl Source {
    /// Lines with their numbers, without what follows the first `#[cfg(test)]` that stands before a block of tests.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .text
            .find("#[cfg(test)]\nmod tests {")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// The same without comments and the insides of strings.
    fn code(&self) -> impl Iterator<Item = (usize, String)> {
        self.lines().map(|(at, line)| (at, code_of(line)))
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/") || self.path == "gate/model.rs"
    }

    fn is_in(&self, part: &str) -> bool {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        self.path == part || path == part || path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A line without its comment, strings emptied.
fn code_of(line: &str) -> String {
    let (mut code, mut in_string, mut chars) = (String::new(), false, line.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, in_string) {
            ('\\', true) => drop(chars.next()),
            ('"', _) => in_string = !in_string,
            ('/', false) if chars.peek() == Some(&'/') => break,
            (_, true) => {}
            (c, false) => code.push(c),
        }
    }
    code
}

fn sources(root: &str) -> Vec<Source> {
    fn walk(directory: &Path, root: &Path, into: &mut Vec<Source>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                into.push(Source { path, text });
            }
        }
    }
    let mut sources = Vec::new();
    walk(&project(root), &project(root), &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!sources.is_empty());
    sources
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

/// The modules below `crate` that a text names, as paths: `wire/pg`, `session/outlet`.
fn named_modules(source: &Source) -> Vec<(usize, String)> {
    let code: Vec<(usize, String)> = source.code().collect();
    let mut named = Vec::new();
    for (at, line) in &code {
        for (start, _) in line.match_indices("crate::") {
            let whole = line[start + "crate::".len()..].to_owned();
            if let Some(inner) = whole.strip_prefix('{') {
                // A list over several lines, as rustfmt writes it: one module to a line, at one more indentation.
                let indentation = line.len() - line.trim_start().len() + 4;
                let inside = code
                    .iter()
                    .filter(|(line, _)| line > at)
                    .map(|(at, line)| (*at, line.as_str()));
                let entries: Vec<(usize, &str)> = if inner.trim().is_empty() {
                    let closing = |line: &str| {
                        line.trim_start().starts_with('}')
                            && line.len() - line.trim_start().len() < indentation
                    };
                    inside
                        .take_while(|(_, line)| !closing(line))
                        .filter(|(_, line)| line.len() - line.trim_start().len() == indentation)
                        .map(|(at, line)| (at, line.trim()))
                        .collect()
                } else {
                    split_list(inner).into_iter().map(|entry| (*at, entry)).collect()
                };
                named.extend(
                    entries
                        .into_iter()
                        .filter_map(|(at, entry)| Some((at, module_of(entry)?))),
                );
            } else if let Some(module) = module_of(&whole) {
                named.push((*at, module));
            }
        }
    }
    named
}

/// The entries of `a::b, c::{d, e}};`.
fn split_list(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut entries) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(text[start..at].trim());
                return entries;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.push(text[start..].trim());
    entries
}

/// The module in front of the first name that is none: `wire::pg::error::Fields` is `wire/pg/error`.
fn module_of(path: &str) -> Option<String> {
    let is_module =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !word.is_empty();
    let words: Vec<&str> = path
        .split("::")
        .map(|word| {
            word.split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next()
                .unwrap_or_default()
        })
        .take_while(is_module)
        .collect();
    (!words.is_empty()).then(|| words.join("/"))
}

fn part_of(source: &Source) -> Option<&'static (&'static str, &'static [&'static str])> {
    MAY_KNOW
        .iter()
        .filter(|(part, _)| source.is_in(part))
        .max_by_key(|(part, _)| part.len())
}

#[test]
fn each_part_knows_only_those_it_may_know() {
    let mut found = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let Some((part, allowed)) = part_of(source) else {
            found.push(format!("{} belongs to no part of the table", source.path));
            continue;
        };
        let own = part.split('/').next().unwrap_or(part);
        for (at, module) in named_modules(source) {
            let within =
                |part: &&str| *part == "*" || module == **part || module.starts_with(&format!("{part}/"));
            // `crate::session` from `session/pg` is the trait; anything else of one's own part is one's own.
            let is_own =
                module.starts_with(part) || (module.split('/').next() == Some(own) && !part.contains('/'));
            if !is_own && !allowed.iter().any(within) {
                found.push(format!("src/{}:{at} ({part}) names {module}", source.path));
            }
        }
    }
    assert_none("dependencies that DESIGN 4 does not allow", &found);
}

#[test]
fn the_table_of_dependencies_is_no_larger_than_what_is_used() {
    let sources = sources("src");
    let mut found = Vec::new();
    for (part, allowed) in MAY_KNOW {
        let files: Vec<&Source> = sources
            .iter()
            .filter(|source| !source.is_test() && part_of(source).is_some_and(|(own, _)| own == part))
            .collect();
        for allowed in allowed
            .iter()
            .filter(|allowed| **allowed != "*" && !files.is_empty())
        {
            let uses = |source: &&Source| {
                named_modules(source)
                    .iter()
                    .any(|(_, module)| module == allowed || module.starts_with(&format!("{allowed}/")))
            };
            if !files.iter().any(uses) {
                found.push(format!("{part} may name {allowed}, and does not"));
            }
        }
    }
    assert_none("too much is allowed", &found);
}

#[test]
fn protocols_never_name_each_other() {
    let mut found = Vec::new();
    for (one, other) in [("pg", "mysql"), ("mysql", "pg")] {
        for part in ["wire", "session", "sql", "connect"] {
            for source in sources("src")
                .iter()
                .filter(|source| source.is_in(&format!("{part}/{one}")))
            {
                let names = |line: &String| line.contains(&format!("{other}::"));
                found.extend(
                    source
                        .code()
                        .filter(|(_, line)| names(line))
                        .map(|(at, line)| format!("{}:{at} {line}", source.path)),
                );
            }
        }
    }
    assert_none("one protocol names the other", &found);
}

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
            if is_static || line.contains("thread_local!") || line.contains("lazy_static!") {
                found.push(format!("src/{}:{at} {line}", source.path));
            }
        }
    }
    assert_none("globals (a constant is a const)", &found);
}

#[test]
fn files_functions_and_lines_are_of_a_size_that_can_be_read() {
    let (mut found, mut lengths) = (Vec::new(), Vec::new());
    for (root, sources) in [("src", sources("src")), ("tests/it", sources("tests/it"))] {
        for source in &sources {
            let path = format!("{root}/{}", source.path);
            let length = source.lines().count();
            if root == "src" {
                lengths.push(length);
            }
            if length > FILE_LINES_MAX && !LONG_FILES.iter().any(|(file, _)| *file == path) {
                found.push(format!("{path} has {length} lines"));
            }
            for (at, line) in source.lines() {
                let chars = line.chars().count();
                if chars > LINE_CHARS_MAX && !line.trim_start().starts_with("//") && !is_text(line) {
                    found.push(format!("{path}:{at} has {chars} characters"));
                }
            }
            for (name, at, length) in long_functions(source) {
                let known = LONG_FUNCTIONS
                    .iter()
                    .any(|(known, _)| *known == format!("{path} {name}"));
                if root == "src" && !known {
                    found.push(format!("{path}:{at} fn {name} has {length} lines"));
                }
            }
        }
    }
    lengths.sort_unstable();
    eprintln!(
        "{} files, median {} lines, longest {}",
        lengths.len(),
        lengths[lengths.len() / 2],
        lengths[lengths.len() - 1]
    );
    assert_none("too long to be read", &found);
}

/// Whether most of a line is one string: it is not wrapped, so that it can be searched for.
fn is_text(line: &str) -> bool {
    code_of(line).chars().count() * 2 < line.chars().count()
}

/// Functions above the limit: name, line, length. By rustfmt's indentation: a block ends where its `}` stands as deep as its `fn`.
fn long_functions(source: &Source) -> Vec<(String, usize, usize)> {
    let lines: Vec<(usize, &str)> = source.lines().collect();
    let mut long = Vec::new();
    for (index, (at, line)) in lines.iter().enumerate() {
        let depth = line.len() - line.trim_start().len();
        let Some((_, rest)) = line.split_once("fn ") else {
            continue;
        };
        let starts = ["fn ", "pub", "async fn", "const fn"]
            .iter()
            .any(|start| line.trim_start().starts_with(start));
        if !starts {
            continue;
        }
        let ends = |(_, line): &&(usize, &str)| {
            line.len() - line.trim_start().len() == depth && line.trim_start().starts_with('}')
        };
        let end = lines[index..].iter().find(ends).map_or(*at, |(end, _)| *end);
        if end - at + 1 > FUNCTION_LINES_MAX && !line.trim_end().ends_with(';') {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            long.push((name.to_owned(), *at, end - at + 1));
        }
    }
    long
}

#[test]
fn every_file_begins_with_what_it_is() {
    let mut found = Vec::new();
    for root in ["src", "tests/it"] {
        for source in sources(root)
            .iter()
            .filter(|source| !source.text.starts_with("//!"))
        {
            found.push(format!("{root}/{}", source.path));
        }
    }
    assert_none("files without a head (//!)", &found);
}

#[test]
fn nothing_is_left_to_be_done_and_no_word_is_empty() {
    // In two parts, so that this file passes its own test.
    let unfinished = [
        ["todo", "!"],
        ["unimplemented", "!"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["TO", "DO"],
    ]
    .map(|word| word.concat());
    let mut found = Vec::new();
    for (root, sources) in [("src", sources("src")), ("tests/it", sources("tests/it"))] {
        for source in &sources {
            for (at, line) in source.text.lines().enumerate() {
                if unfinished.iter().any(|word| line.contains(word)) {
                    found.push(format!("{root}/{}:{} {}", source.path, at + 1, line.trim()));
                }
            }
            if source.path == "tidy.rs" {
                continue;
            }
            for (at, line) in source.code() {
                let lower = line.to_lowercase();
                let named = |word: &&&str| {
                    lower
                        .match_indices(**word)
                        .any(|(start, _)| is_own_word(&lower, start, word))
                };
                found.extend(
                    EMPTY_WORDS
                        .iter()
                        .filter(named)
                        .map(|word| format!("{root}/{}:{at} says {word}", source.path)),
                );
            }
        }
    }
    assert_none("unfinished, or named by an empty word", &found);
}

/// `utility` is PostgreSQL's word, `util` is nobody's.
fn is_own_word(line: &str, start: usize, word: &str) -> bool {
    let after = &line[start + word.len()..];
    !(word == "util" && after.starts_with("ity"))
}

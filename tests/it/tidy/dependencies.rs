//! Who may know whom.

use super::reading::{Source, assert_none, sources};

/// What each part of the house may name of the others. A part that is not listed may name nothing.
///
/// The longest entry that a file's path begins with is its part.
const MAY_KNOW: &[(&str, &[&str])] = &[
    // Pure: bytes and policy. Nothing above them, and not each other.
    ("sql", &[]),
    ("wire", &[]),
    ("wire/pg", &[]),
    ("wire/mysql", &[]),
    // A lull names no protocol.
    ("gate", &[]),
    ("fault", &[]),
    ("clock", &[]),
    // How a password is proven.
    ("auth", &[]),
    ("config", &[]),
    // The trait that the relay drives.
    ("session", &["fault", "gate"]),
    ("session/pg", &["fault", "gate", "session", "sql", "wire/pg"]),
    (
        "session/mysql",
        &["fault", "gate", "session", "sql", "wire/mysql"],
    ),
    // The loop knows sessions by their trait, and counts.
    ("relay", &["clock", "fault", "gate", "session", "telemetry"]),
    // Login speaks the protocols, makes the session, and hands both to the relay. It knows a principal, never a lull.
    ("connect", &["auth", "clock", "config", "telemetry"]),
    (
        "connect/pg",
        &[
            "auth",
            "config",
            "connect",
            "fault",
            "relay",
            "session",
            "telemetry",
            "wire/pg",
        ],
    ),
    (
        "connect/mysql",
        &[
            "auth",
            "clock",
            "config",
            "connect",
            "fault",
            "relay",
            "session",
            "telemetry",
            "wire/mysql",
        ],
    ),
    (
        "connect/serve.rs",
        &[
            "clock",
            "config",
            "fault",
            "gate",
            "relay",
            "session",
            "telemetry",
        ],
    ),
    ("connect/replicas.rs", &["config", "session"]),
    ("connect/watch.rs", &["config", "fault"]),
    ("connect/failure.rs", &["clock", "fault", "relay", "telemetry"]),
    ("connect/encrypt.rs", &["config", "fault", "relay", "telemetry"]),
    ("connect/deadline.rs", &["clock", "fault"]),
    ("connect/broken.rs", &["fault", "relay", "telemetry"]),
    ("connect/lookup.rs", &["auth", "config", "fault"]),
    ("connect/known.rs", &["auth", "config", "fault"]),
    ("connect/secrets.rs", &["auth", "config", "fault"]),
    ("connect/tally.rs", &["auth", "fault"]),
    ("connect/dial.rs", &["config", "fault", "relay"]),
    ("connect/listen.rs", &["config", "relay"]),
    // The commands and answers of operators, as data: what they are about is the gate's, how a duration is written the
    // configuration's.
    ("admin", &["config", "gate"]),
    // Figures are labelled by lulls, scopes and faults, and show what the console shows.
    ("telemetry", &["admin", "config", "fault", "gate"]),
    (
        "server",
        &[
            "admin",
            "clock",
            "config",
            "connect",
            "gate",
            "relay",
            "session",
            "telemetry",
        ],
    ),
    (
        "cli",
        &["admin", "config", "connect", "gate", "server", "telemetry"],
    ),
    // The library's and the program's roots name what there is.
    ("lib.rs", &["*"]),
    ("main.rs", &["*"]),
];

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

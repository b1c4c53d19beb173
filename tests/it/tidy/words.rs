//! Heads, names, and nothing left undone.

use super::reading::{assert_none, sources};

/// Words that say nothing about what a thing is.
const EMPTY_WORDS: [&str; 4] = ["manager", "handler", "helper", "util"];

#[test]
fn every_file_begins_with_what_it_is() {
    let mut found = Vec::new();
    for root in ["src", "tests/it"] {
        for source in sources(root)
            .iter()
            .filter(|source| !source.text.trim().is_empty() && !source.text.starts_with("//!"))
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
            if source.path == "tidy/words.rs" {
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

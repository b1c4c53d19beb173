//! The sources as text, and what of a line is code.

use crate::support::places::project;
use std::fs;
use std::path::Path;

pub(super) struct Source {
    /// Below `src`, or below `tests/it`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// Lines with their numbers, without what follows the first `#[cfg(test)]` that stands before a block of tests.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
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
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, String)> {
        self.lines().map(|(at, line)| (at, code_of(line)))
    }

    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/") || self.path == "gate/model.rs"
    }

    pub(super) fn is_in(&self, part: &str) -> bool {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        self.path == part || path == part || path.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A line without its comment, strings emptied.
pub(super) fn code_of(line: &str) -> String {
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

pub(super) fn sources(root: &str) -> Vec<Source> {
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
pub(super) fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

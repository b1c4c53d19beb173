//! Lines for people and scripts. Whoever reads may have gone away: that is no reason to panic.

use std::io::{self, IsTerminal, Write};

/// To standard output.
pub(super) fn answer(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// To standard error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Lines of progress: on a terminal each takes the place of the one before.
pub(super) struct Progress {
    overwrites: bool,
    stands: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            overwrites: io::stderr().is_terminal(),
            stands: false,
        }
    }

    pub(super) fn show(&mut self, line: &str) {
        if !self.overwrites {
            return complain(line);
        }
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
        self.stands = true;
    }

    /// Leaves the last line and begins a new one.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.stands) {
            complain("");
        }
    }
}

/// Columns as wide as what is in them, two spaces between.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a stranger chose (an application's name) must not steer the terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let rows = [
            vec!["a".to_owned(), "bb".into(), String::new()],
            vec!["ccc".into(), "ü".into(), "d".into()],
        ];
        assert_eq!(aligned(&rows), "a    bb\nccc  ü   d");
        assert_eq!(aligned(&[]), "");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\n"), "a?[2Jb?");
    }
}

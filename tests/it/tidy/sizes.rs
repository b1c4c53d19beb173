//! How long files, functions and lines may be.

use super::reading::{Source, assert_none, code_of, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 110;
const TEST_LINE_CHARS_MAX: usize = 140;
/// Of a line that is longer because of a string.
const CODE_CHARS_MAX: usize = 75;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer, and why.
const LONG_FUNCTIONS: &[(&str, &str)] = &[("src/admin/table.rs columns", "one table, row by row")];

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
            // SQL in tests is shown as it would be written.
            let limit = if root == "src" {
                LINE_CHARS_MAX
            } else {
                TEST_LINE_CHARS_MAX
            };
            for (at, line) in source.lines() {
                let chars = line.chars().count();
                if chars > limit && !line.trim_start().starts_with("//") && !is_text(line) {
                    found.push(format!("{path}:{at} has {chars} characters"));
                }
            }
            for (name, at, length) in long_functions(source) {
                let known = LONG_FUNCTIONS
                    .iter()
                    .any(|(known, _)| *known == format!("{path} {name}"));
                if root == "src" && !source.is_test() && !known {
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

/// Whether a line is long by its strings: they are not wrapped, so that they can be searched for.
fn is_text(line: &str) -> bool {
    code_of(line).chars().count() <= CODE_CHARS_MAX
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

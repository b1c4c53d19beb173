//! What is suspicious about a routine or an expression, in words for the operator.
//!
//! Must not know: how objects hang together.

use super::survey::Routine;
use crate::sql::pg::{Conforming, Encoding, Finding, FindingKind, Language, Modes, RefusedWords, inspect};

/// Settings that a routine must not have attached: what keeps a session read-only, and how texts are read.
const CONFIG: &[&str] = &[
    "default_transaction_read_only=",
    "transaction_read_only=",
    "standard_conforming_strings=",
    "client_encoding=",
];

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// Complete as it is.
    Says(String),
    /// Its text mentions this refused name.
    Mentions(String),
    /// Its language or library is a closed book.
    Unreadable(String),
}

/// The first thing about a routine that could get past the guard.
pub(super) fn routine(routine: &Routine, known: &RefusedWords) -> Option<Why> {
    let config = routine.config.split(' ').find_map(|entry| {
        CONFIG
            .iter()
            .find(|name| entry.to_ascii_lowercase().starts_with(**name))
    });
    if let Some(name) = config {
        return Some(Why::Says(format!("sets {}", name.trim_end_matches('='))));
    }
    match Language::from_name(routine.language.as_bytes()) {
        Language::Other => Some(Why::Unreadable(routine.language.clone())),
        language => body(&routine.body, language, known),
    }
}

/// An expression or query as the server prints it.
pub(super) fn expression(text: &[u8], known: &RefusedWords) -> Option<Why> {
    body(&plain_set_config(text), Language::Sql, known)
}

/// Whether a call of the function could get past the guard: by itself, or with arguments that must be looked at.
pub(super) fn call(function: &str, known: &RefusedWords) -> Option<Call> {
    let text = format!("SELECT \"{}\"(argument)", function.replace('"', "\"\""));
    let findings = inspect(text.as_bytes(), Language::Sql, &modes(Conforming::On), known);
    let any = |is: fn(&FindingKind) -> bool| findings.iter().any(|f| is(&f.kind));
    // Where names are refused, a text that is read as SQL could hold one of them.
    let by_text = any(|kind| matches!(kind, FindingKind::DynamicSql | FindingKind::Setting))
        && !any(|kind| matches!(kind, FindingKind::RefusedWord(_)));
    match findings.first() {
        None => None,
        Some(_) if by_text => Some(Call::Depends),
        Some(_) => Some(Call::Refused),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Refused,
    Depends,
}

/// A body is lexed by the session that calls it, which may have `standard_conforming_strings` either way. A reading
/// that ends inside a quote is one that the server rejects, so only the other counts then.
fn body(text: &[u8], language: Language, known: &RefusedWords) -> Option<Why> {
    let findings = inspect(text, language, &modes(Conforming::On), known);
    if findings.is_empty() && text.contains(&b'\\') {
        let other = inspect(text, language, &modes(Conforming::Off), known);
        let rejected = other.iter().any(|f| f.kind == FindingKind::Unreadable);
        return other.first().filter(|_| !rejected).map(why);
    }
    findings.first().map(why)
}

fn why(finding: &Finding) -> Why {
    let detail = &finding.detail;
    Why::Says(match &finding.kind {
        FindingKind::RefusedWord(name) => return Why::Mentions(name.clone()),
        FindingKind::DynamicSql if detail == "EXECUTE" => "runs SQL that it builds itself".to_owned(),
        FindingKind::DynamicSql => format!("runs SQL that it builds itself, by {detail}"),
        FindingKind::Setting => "changes settings that keep a session read-only".to_owned(),
        FindingKind::TransactionMode => "makes transactions read-write".to_owned(),
        FindingKind::Leak if detail.ends_with("()") => format!("calls {detail}"),
        FindingKind::Leak => format!("runs {detail}"),
        FindingKind::Unreadable => "cannot be read to its end".to_owned(),
    })
}

/// Every encoding that a database can have keeps ASCII bytes out of its other characters.
fn modes(standard_conforming_strings: Conforming) -> Modes {
    Modes {
        standard_conforming_strings,
        encoding: Encoding::Safe,
        server_major: 0,
    }
}

/// The server prints the name of a setting as `'x'::text`; the lexer wants a plain constant.
fn plain_set_config(text: &[u8]) -> Vec<u8> {
    const CALL: &[u8] = b"set_config('";
    const CAST: &[u8] = b"'::text,";
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(CALL.len()).position(|w| w == CALL) {
        let (before, name) = rest.split_at(at + CALL.len());
        plain.extend_from_slice(before);
        let end = name
            .iter()
            .position(|&b| !b.is_ascii_alphanumeric() && !b"_.".contains(&b))
            .unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        plain.extend_from_slice(name);
        rest = after;
        if let Some(cut) = after.strip_prefix(CAST) {
            plain.extend_from_slice(b"',");
            rest = cut;
        }
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::pg::audit::question::Node;

    fn plpgsql(body: &str, config: &str) -> Option<Why> {
        let given = Routine {
            node: Node::new("pg_proc", "1"),
            name: "public.f".to_owned(),
            arguments: String::new(),
            extension: None,
            language: "plpgsql".to_owned(),
            config: config.to_owned(),
            body: body.as_bytes().to_vec(),
        };
        routine(&given, &RefusedWords::new())
    }

    fn says(text: &str) -> Option<Why> {
        Some(Why::Says(text.to_owned()))
    }

    #[test]
    fn a_body_is_read_and_what_is_attached_to_it() {
        assert_eq!(plpgsql("BEGIN RETURN 1; END", "work_mem=64MB"), None);
        assert_eq!(
            plpgsql("BEGIN EXECUTE x; END", ""),
            says("runs SQL that it builds itself")
        );
        assert_eq!(
            plpgsql("BEGIN END", "search_path=x Transaction_Read_Only=off"),
            says("sets transaction_read_only")
        );
        assert_eq!(
            plpgsql("BEGIN PERFORM lo_create(0); END", ""),
            says("calls lo_create()")
        );
    }

    #[test]
    fn a_body_is_read_with_backslashes_both_ways() {
        assert_eq!(plpgsql(r"BEGIN RETURN split_part(x, '\', 2); END", ""), None);
        assert_eq!(
            plpgsql(r"BEGIN RETURN '\' || '; EXECUTE y; --'; END", ""),
            says("runs SQL that it builds itself")
        );
    }

    #[test]
    fn set_config_of_something_else_is_harmless_where_the_server_prints_it() {
        let text = b"SELECT set_config('app.user'::text, 'x'::text, true)";
        assert_eq!(expression(text, &RefusedWords::new()), None);
        let text = b"SELECT set_config('transaction_read_only'::text, 'off'::text, true)";
        assert!(expression(text, &RefusedWords::new()).is_some());
        assert!(expression(b"SELECT set_config((a || 'b'::text), c, d)", &RefusedWords::new()).is_some());
    }

    #[test]
    fn functions_are_judged_as_the_lexer_does() {
        let none = RefusedWords::new();
        assert_eq!(call("lo_create", &none), Some(Call::Refused));
        assert_eq!(call("set_config", &none), Some(Call::Depends));
        assert_eq!(call("query_to_xml", &none), Some(Call::Depends));
        assert_eq!(call("random", &none), None);
        assert_eq!(call("table_to_xml", &none), None);
        let mut some = RefusedWords::new();
        some.refuse(b"v");
        assert_eq!(call("table_to_xml", &some), Some(Call::Refused));
        assert_eq!(call("query_to_xml", &some), Some(Call::Refused));
        assert_eq!(call("set_config", &some), Some(Call::Depends));
    }
}

//! How the audit's questions are put, so that they mean the same in whatever session asks them.
//!
//! Guarantees: a question depends on no setting of the session. Functions, types and relations are qualified in the
//! `.sql` files; operators are qualified here (so IN, LIKE, USING and IS DISTINCT FROM, whose operators cannot be, are
//! not used); texts come back as hexadecimal digits of the database's own encoding, which neither `bytea_output` nor a
//! client encoding that lacks a character can disturb; no literal holds a backslash.
//!
//! Must not know: what is asked.

use std::collections::BTreeMap;

use crate::session::Rows;

/// The operators that the questions use, as they stand there between two spaces.
const OPERATORS: &[&str] = &["=", "<>", ">=", "<", "~", "&"];

/// The names of a routine's argument types; `p` is its row.
const ARGUMENTS: &str = "(SELECT pg_catalog.string_agg(CASE WHEN y.nspname = 'pg_catalog' \
     THEN x.typname::pg_catalog.text ELSE pg_catalog.concat(y.nspname, '.', x.typname) END, \
     ', ' ORDER BY a.place) \
     FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY AS a(type, place) \
     JOIN pg_catalog.pg_type x ON x.oid = a.type JOIN pg_catalog.pg_namespace y ON y.oid = x.typnamespace)";

/// An object as the catalogs identify it: the catalog's name, the OID's digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    pub(super) catalog: String,
    pub(super) id: String,
}

impl Node {
    pub(super) fn new(catalog: &str, id: impl Into<String>) -> Self {
        Self {
            catalog: catalog.to_owned(),
            id: id.into(),
        }
    }
}

/// A statement that asks for the `columns` texts of `query`, its placeholders filled in.
pub(super) fn ask(columns: usize, query: &str, parts: &[(&str, String)]) -> String {
    let mut query: String = query
        .lines()
        .map(|line| line.trim_start())
        .filter(|line| !line.starts_with("--"))
        .flat_map(|line| [line, "\n"])
        .collect();
    for (placeholder, text) in parts {
        query = query.replace(placeholder, text);
    }
    query = query.replace("{arguments}", ARGUMENTS);
    for operator in OPERATORS {
        query = query.replace(
            &format!(" {operator} "),
            &format!(" OPERATOR(pg_catalog.{operator}) "),
        );
    }
    let list = |each: fn(usize) -> String| (0..columns).map(each).collect::<Vec<_>>().join(", ");
    let texts = list(|i| {
        format!("pg_catalog.encode(pg_catalog.convert_to(c{i}, pg_catalog.getdatabaseencoding()), 'hex')")
    });
    format!(
        "SELECT {texts} FROM (\n{query}) AS answer({})",
        list(|i| format!("c{i}"))
    )
}

/// A text as an expression. The operator's names may hold anything.
pub(super) fn literal(text: &str) -> String {
    if text
        .bytes()
        .all(|b| matches!(b, b' '..=b'~') && b != b'\\' && b != b'\'')
    {
        return format!("'{text}'");
    }
    let digits: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    format!("pg_catalog.convert_from(pg_catalog.decode('{digits}', 'hex'), 'UTF8')")
}

/// Rows `(catalog, id)` or `(catalog, id, mode, 1)` as a query, also where there are none.
pub(super) fn rows_of(nodes: &BTreeMap<Node, Option<char>>) -> String {
    let mode = |mode: &Option<char>| {
        mode.map(|m| format!(", '{m}'::pg_catalog.text, 1"))
            .unwrap_or_default()
    };
    let rows: Vec<_> = nodes
        .iter()
        .map(|(node, m)| {
            format!(
                "('{}'::pg_catalog.name, '{}'::pg_catalog.oid{})",
                node.catalog,
                node.id,
                mode(m)
            )
        })
        .collect();
    if rows.is_empty() {
        return "SELECT ''::pg_catalog.name, 0::pg_catalog.oid WHERE false".to_owned();
    }
    format!("VALUES {}", rows.join(", "))
}

/// One row of an answer.
#[derive(Debug)]
pub(super) struct Row(Vec<Option<Vec<u8>>>);

impl Row {
    pub(super) fn bytes(&self, column: usize) -> Option<&[u8]> {
        self.0.get(column)?.as_deref()
    }

    pub(super) fn text(&self, column: usize) -> Option<String> {
        self.bytes(column)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn node(&self, catalog: usize, id: usize) -> Result<Node, String> {
        let (catalog, id) = (self.text(catalog), self.text(id));
        let plain = |s: &String| {
            !s.is_empty()
                && s.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        match (catalog.filter(plain), id.filter(plain)) {
            (Some(catalog), Some(id)) => Ok(Node { catalog, id }),
            _ => Err(UNEXPECTED.to_owned()),
        }
    }
}

pub(super) const UNEXPECTED: &str =
    "the server answered the audit's question in a form that was not expected";

/// Reads an answer of so many columns.
pub(super) fn rows(answer: Rows, columns: usize) -> Result<Vec<Row>, String> {
    answer
        .into_iter()
        .map(|row| {
            if row.len() != columns {
                return Err(UNEXPECTED.to_owned());
            }
            let cell = |cell: Option<Vec<u8>>| cell.map(|digits| unhex(&digits)).transpose();
            row.into_iter().map(cell).collect::<Result<_, _>>().map(Row)
        })
        .collect()
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>, String> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits
        .chunks(2)
        .map(|pair| match pair {
            &[high, low] => Some((digit(high)? << 4) | digit(low)?),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| UNEXPECTED.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A row as the server gives it.
    pub(in super::super) fn row(cells: &[Option<&str>]) -> Vec<Option<Vec<u8>>> {
        cells
            .iter()
            .map(|cell| {
                cell.map(|text| {
                    text.bytes()
                        .flat_map(|b| format!("{b:02x}").into_bytes())
                        .collect()
                })
            })
            .collect()
    }

    #[test]
    fn an_answer_comes_back_as_it_was_in_the_database() {
        let given = vec![row(&[Some("pg_proc"), Some("16400"), None])];
        let read = rows(given, 3).unwrap();
        let first = read.first().unwrap();
        assert_eq!(first.node(0, 1).unwrap(), Node::new("pg_proc", "16400"));
        assert_eq!(first.bytes(2), None);
    }

    #[test]
    fn an_answer_in_another_form_is_no_answer() {
        assert!(rows(vec![row(&[None])], 2).is_err());
        assert!(rows(vec![vec![Some(b"6".to_vec())]], 1).is_err());
        assert!(rows(vec![vec![Some(b"zz".to_vec())]], 1).is_err());
        let quoted = rows(vec![row(&[Some("x'"), Some("1")])], 2).unwrap();
        assert!(quoted.first().unwrap().node(0, 1).is_err());
    }

    #[test]
    fn no_question_depends_on_the_session() {
        let questions = [
            include_str!("survey.sql"),
            include_str!("closure.sql"),
            include_str!("texts.sql"),
        ];
        for question in questions {
            let code: Vec<_> = question
                .lines()
                .filter(|l| !l.trim_start().starts_with("--"))
                .collect();
            let code = code.join("\n");
            for word in [
                " IN (",
                " LIKE ",
                " USING ",
                "IS DISTINCT",
                "||",
                "\\",
                "::text",
                "::oid",
                "::name",
            ] {
                assert!(!code.contains(word), "{word}");
            }
            for operator in [" > ", " <= ", " + ", " - ", " !~ "] {
                assert!(!code.contains(operator), "{operator}");
            }
        }
    }

    #[test]
    fn a_literal_cannot_end_early() {
        assert_eq!(literal("public.f"), "'public.f'");
        for text in ["o'neil", "back\\slash", "süß"] {
            assert!(literal(text).starts_with("pg_catalog.convert_from("), "{text}");
        }
    }
}

//! How the audit's questions are put, so that they mean the same in whatever session asks them, and how answers are
//! read.
//!
//! Guarantees: a question depends on no setting of the session. Constants are hexadecimal, whatever quotes, backslashes
//! and empty strings mean there; texts come back as the hexadecimal digits of their UTF-8, in a binary string, which no
//! character set of the session converts; a LIMIT stands above `sql_select_limit`. Each is one statement that reads
//! `information_schema` only, one database at a time where MariaDB would otherwise open every table of the server.
//!
//! Must not know: what is made of the answers.

use crate::session::Rows;

const COLUMNS: usize = 8;

/// More rows than any server has; without it `sql_select_limit` would cut the answer.
const ALL: &str = "LIMIT 18446744073709551615";

pub(super) const UNEXPECTED: &str =
    "the server answered the audit's question in a form that was not expected";

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The session: version, account, `sql_mode`, whether the server runs events.
    Session,
    /// A database that the account can see.
    Database,
    Routine,
    View,
    Trigger,
    Event,
    ForeignKey,
    /// The loadable functions can be asked for.
    Loadable,
}

/// Each with the letter that its rows start with.
const KINDS: &[(u8, Kind)] = &[
    (b's', Kind::Session),
    (b'd', Kind::Database),
    (b'r', Kind::Routine),
    (b'v', Kind::View),
    (b't', Kind::Trigger),
    (b'e', Kind::Event),
    (b'k', Kind::ForeignKey),
    (b'l', Kind::Loadable),
];

/// One row of an answer: kind, database, name, what it is (type, or table), body, definer, `sql_mode`, more.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) database: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) what: Vec<u8>,
    /// None where the account must not see it.
    pub(super) body: Option<Vec<u8>>,
    pub(super) definer: Vec<u8>,
    pub(super) modes: Vec<u8>,
    pub(super) more: Vec<u8>,
}

/// The session, its database, and so many of the databases that there are.
pub(super) fn survey(databases: usize) -> String {
    let session =
        "DATABASE(), VERSION(), CURRENT_USER(), NULL, NULL, @@session.sql_mode, @@global.event_scheduler";
    let mut parts = vec![
        part(b's', session, "DUAL"),
        database(&format!("LIMIT {databases}")),
        part(
            b'e',
            "EVENT_SCHEMA, EVENT_NAME, STATUS, EVENT_DEFINITION, DEFINER, SQL_MODE, NULL",
            "information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
        ),
        loadable("6d7973716c", "66756e63", "6e616d65"),
    ];
    parts.extend(objects("DATABASE()"));
    let by_component = loadable(
        "706572666f726d616e63655f736368656d61",
        "757365725f646566696e65645f66756e6374696f6e73",
        "5544465f4e414d45",
    );
    // MariaDB leaves this out: it has no such table, and looks for it long.
    format!("{} /*!80000 UNION ALL ({by_component}) */ {ALL}", union(&parts))
}

fn database(which: &str) -> String {
    part(
        b'd',
        "SCHEMA_NAME, NULL, NULL, NULL, NULL, NULL, NULL",
        &format!("information_schema.SCHEMATA {which}"),
    )
}

/// A row where the account may read the column.
fn loadable(database: &str, table: &str, column: &str) -> String {
    let from = format!(
        "information_schema.COLUMNS WHERE TABLE_SCHEMA = _utf8mb3 X'{database}' AND TABLE_NAME = _utf8mb3 X'{table}' \
         AND COLUMN_NAME = _utf8mb3 X'{column}'"
    );
    part(
        b'l',
        "TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, PRIVILEGES, NULL, NULL, NULL",
        &from,
    )
}

/// The same of other databases, and whether they are there.
pub(super) fn elsewhere<'a>(databases: impl Iterator<Item = &'a [u8]>) -> String {
    let parts: Vec<_> = databases
        .flat_map(|name| {
            let name = format!("_utf8mb3 X'{}'", hex(name));
            let there = database(&format!("WHERE SCHEMA_NAME = {name}"));
            std::iter::once(there).chain(objects(&name))
        })
        .collect();
    all(&parts)
}

/// Which tables of other databases follow those of this one. MariaDB opens every table that the account can see.
pub(super) fn followers() -> String {
    all(&[part(
        b'k',
        FOREIGN_KEY,
        "information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE UNIQUE_CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_SCHEMA <> DATABASE()",
    )])
}

/// The loadable functions, for accounts that may know: those that were created, and in `performance_schema` also those
/// that came with a component.
pub(super) fn functions<'a>(databases: impl Iterator<Item = &'a [u8]>) -> String {
    let parts: Vec<_> = databases
        .map(|database| {
            let (name, from) = if database.eq_ignore_ascii_case(b"mysql") {
                ("name", "mysql.func")
            } else {
                ("UDF_NAME", "performance_schema.user_defined_functions")
            };
            part(b'l', &format!("NULL, {name}, NULL, NULL, NULL, NULL, NULL"), from)
        })
        .collect();
    all(&parts)
}

const FOREIGN_KEY: &str = "CONSTRAINT_SCHEMA, TABLE_NAME, REFERENCED_TABLE_NAME, UPDATE_RULE, UNIQUE_CONSTRAINT_SCHEMA, NULL, DELETE_RULE";

fn objects(database: &str) -> [String; 4] {
    let of = |table: &str, column: &str| format!("information_schema.{table} WHERE {column} = {database}");
    [
        part(
            b'r',
            "ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, DEFINER, SQL_MODE, NULL",
            &of("ROUTINES", "ROUTINE_SCHEMA"),
        ),
        part(
            b'v',
            "TABLE_SCHEMA, TABLE_NAME, NULL, VIEW_DEFINITION, DEFINER, NULL, NULL",
            &of("VIEWS", "TABLE_SCHEMA"),
        ),
        // A trigger is always in its table's database; only by the table MariaDB does not look at every file.
        part(
            b't',
            "EVENT_OBJECT_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT, DEFINER, SQL_MODE, NULL",
            &of("TRIGGERS", "EVENT_OBJECT_SCHEMA"),
        ),
        part(
            b'k',
            FOREIGN_KEY,
            &of("REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA"),
        ),
    ]
}

fn part(letter: u8, columns: &str, from: &str) -> String {
    let texts: Vec<_> = columns
        .split(", ")
        .map(|column| {
            if column == "NULL" {
                "NULL".to_owned()
            } else {
                format!("CAST(CONVERT(HEX(CONVERT({column} USING utf8mb4)) USING ascii) AS BINARY)")
            }
        })
        .collect();
    format!("SELECT X'{letter:02x}', {} FROM {from}", texts.join(", "))
}

fn all(parts: &[String]) -> String {
    format!("{} {ALL}", union(parts))
}

fn union(parts: &[String]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| format!("({part})")).collect();
    parts.join(" UNION ALL ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn rows(answer: Rows) -> Result<Vec<Row>, String> {
    answer
        .into_iter()
        .map(|row| read(row).ok_or_else(|| UNEXPECTED.to_owned()))
        .collect()
}

fn read(row: Vec<Option<Vec<u8>>>) -> Option<Row> {
    if row.len() != COLUMNS {
        return None;
    }
    let mut cells = row.into_iter();
    let letter = cells.next()??;
    let (_, kind) = KINDS.iter().find(|(known, _)| letter == [*known])?;
    let mut cells = cells.map(|cell| cell.map(|digits| unhex(&digits)));
    let mut next = || match cells.next()? {
        Some(text) => text.map(Some),
        None => Some(None),
    };
    Some(Row {
        kind: *kind,
        database: next()?.unwrap_or_default(),
        name: next()?.unwrap_or_default(),
        what: next()?.unwrap_or_default(),
        body: next()?,
        definer: next()?.unwrap_or_default(),
        modes: next()?.unwrap_or_default(),
        more: next()?.unwrap_or_default(),
    })
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pair = |pair: &[u8]| match pair {
        &[high, low] => Some((digit(high)? << 4) | digit(low)?),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A row as the server gives it.
    pub(in super::super) fn row(kind: char, cells: [Option<&str>; 7]) -> Vec<Option<Vec<u8>>> {
        let first = Some(kind.to_string().into_bytes());
        let rest = cells.map(|cell| cell.map(|text| hex(text.as_bytes()).to_ascii_uppercase().into_bytes()));
        std::iter::once(first).chain(rest).collect()
    }

    #[test]
    fn an_answer_comes_back_as_it_was_on_the_server() {
        let given = row(
            'r',
            [
                Some("shop"),
                Some("f"),
                Some("FUNCTION"),
                None,
                Some("ä"),
                None,
                None,
            ],
        );
        let read = rows(vec![given]).unwrap();
        let first = read.first().unwrap();
        assert_eq!((first.kind, first.name.as_slice()), (Kind::Routine, &b"f"[..]));
        assert_eq!(first.body, None);
        assert_eq!(first.definer, "ä".as_bytes());
    }

    #[test]
    fn an_answer_in_another_form_is_no_answer() {
        assert!(rows(vec![vec![Some(b"r".to_vec())]]).is_err());
        assert!(rows(vec![row('x', [None; 7])]).is_err());
        let mut odd = row('r', [None; 7]);
        *odd.last_mut().unwrap() = Some(b"6".to_vec());
        assert!(rows(vec![odd]).is_err());
    }

    #[test]
    fn no_question_holds_a_quote_but_of_digits_or_ends_early() {
        let name: &[u8] = b"o'ne`il\\";
        for question in [
            survey(9),
            elsewhere([name].into_iter()),
            followers(),
            functions([&b"mysql"[..], b"performance_schema"].into_iter()),
        ] {
            assert!(question.ends_with(ALL), "{question}");
            let quoted: Vec<_> = question.split('\'').skip(1).step_by(2).collect();
            let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(quoted.iter().all(digits), "{question}");
            assert!(!question.contains(['"', '`', '\\', ';']), "{question}");
        }
    }
}

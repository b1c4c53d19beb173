//! Variables of the user's own (`@name`), as a server tells their values and as they are written down to be the same
//! elsewhere.
//!
//! Guarantees that a value keeps its type, its character set and its collation, or is not written down at all. It must not
//! know where they go.

use std::collections::{BTreeMap, BTreeSet};

use super::server::Server;

/// By name. The value (of a text in hexadecimal), and its type and collation.
pub(super) type Variables = BTreeMap<String, (Vec<u8>, Vec<u8>)>;

/// More of the question for what a session has: the values of these, and on MariaDB the names of all.
pub(super) fn question(server: Server, names: &BTreeSet<String>) -> String {
    let one = |name: &String| {
        let kind = if server.is_mariadb() {
            format!(
                "(SELECT MAX(VARIABLE_TYPE) FROM information_schema.USER_VARIABLES \
                 WHERE LOWER(VARIABLE_NAME) = '{name}')"
            )
        } else {
            format!("JSON_TYPE(JSON_EXTRACT(JSON_ARRAY(@`{name}`), '$[0]'))")
        };
        // Its own collation is as strong as that of a column, with which UNION could not mix it.
        let plain = |text: String| format!("CONVERT({text} USING utf8mb4) COLLATE utf8mb4_bin");
        let is_text = format!("{kind} IN ('VARCHAR', 'STRING', 'BLOB')");
        let value = plain(format!("IF({is_text}, HEX(@`{name}`), CONCAT(@`{name}`))"));
        let kind = plain(format!("CONCAT({kind}, ' ', COLLATION(@`{name}`))"));
        format!(" UNION ALL SELECT 'variable', '{name}', {value}, {kind}")
    };
    let mut question: String = names.iter().map(one).collect();
    if server.is_mariadb() {
        question.push_str(
            " UNION ALL SELECT 'known', LOWER(VARIABLE_NAME), NULL, NULL FROM information_schema.USER_VARIABLES",
        );
    }
    question
}

/// The statement that makes them the same. None where there are none; an error names one that cannot be repeated.
pub(super) fn repeat(variables: &Variables) -> Result<Option<String>, String> {
    let one = |(name, (value, kind)): (&String, &(Vec<u8>, Vec<u8>))| {
        let literal = literal(value, kind);
        let literal = literal.ok_or_else(|| format!("the variable @{name} cannot be repeated"))?;
        Ok(format!("@`{name}` = {literal}"))
    };
    let assignments: Result<Vec<String>, String> = variables.iter().map(one).collect();
    let assignments = assignments?;
    Ok((!assignments.is_empty()).then(|| format!("SET {}", assignments.join(", "))))
}

fn literal(value: &[u8], kind: &[u8]) -> Option<String> {
    let (value, kind) = (std::str::from_utf8(value).ok()?, std::str::from_utf8(kind).ok()?);
    let (kind, collation) = kind.rsplit_once(' ')?;
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b"+-.e".contains(&b));
    let is_hex = value.bytes().all(|b| b.is_ascii_hexdigit());
    let is_name = collation.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match kind {
        "INT" | "INTEGER" | "UNSIGNED INTEGER" | "DECIMAL" if is_number => Some(value.to_owned()),
        "DOUBLE" if is_number && value.contains('e') => Some(value.to_owned()),
        "DOUBLE" if is_number => Some(format!("{value}e0")),
        "VARCHAR" | "STRING" | "BLOB" if is_hex && collation == "binary" => Some(format!("X'{value}'")),
        "VARCHAR" | "STRING" if is_hex && is_name => {
            let (charset, _) = collation.split_once('_')?;
            Some(format!("_{charset} X'{value}' COLLATE {collation}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {

    #[test]
    fn each_type_is_written_as_itself() {
        for (value, kind, literal) in [
            ("-7", "INT binary", "-7"),
            (
                "18446744073709551615",
                "UNSIGNED INTEGER binary",
                "18446744073709551615",
            ),
            ("1.50", "DECIMAL binary", "1.50"),
            ("1.5", "DOUBLE binary", "1.5e0"),
            ("1e100", "DOUBLE binary", "1e100"),
            (
                "6927",
                "STRING utf8mb4_bin",
                "_utf8mb4 X'6927' COLLATE utf8mb4_bin",
            ),
            ("00", "VARCHAR binary", "X'00'"),
        ] {
            let written = super::literal(value.as_bytes(), kind.as_bytes());
            assert_eq!(written.as_deref(), Some(literal));
        }
    }

    #[test]
    fn what_is_not_certain_is_not_written() {
        for (value, kind) in [
            ("1; DROP", "INT binary"),
            ("", "INT binary"),
            ("zz", "STRING utf8mb4_bin"),
            ("00", "STRING utf8mb4_bin'"),
            ("{}", "OBJECT utf8mb4_bin"),
        ] {
            assert_eq!(super::literal(value.as_bytes(), kind.as_bytes()), None, "{value}");
        }
    }
}

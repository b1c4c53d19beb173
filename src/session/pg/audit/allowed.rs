//! What the operator allows by name: "schema.function", "schema.function(integer, text)", "schema.relation",
//! "extension:NAME", "foreign-tables".
//!
//! Types may be spelled as SQL or as the catalogs spell them. A routine that is allowed without arguments is allowed
//! with all.

use std::collections::BTreeSet;

use super::question::literal;

const FOREIGN_TABLES: &str = "foreign-tables";
const EXTENSION: &str = "extension:";

#[derive(Debug, Default)]
pub(super) struct Allowed {
    /// Relations, types, extensions, and routines of whatever arguments.
    names: BTreeSet<String>,
    signatures: BTreeSet<String>,
    pub(super) foreign_tables: bool,
}

impl Allowed {
    pub(super) fn new(list: &[String]) -> Self {
        let mut allowed = Self::default();
        for entry in list {
            let entry = entry.trim();
            if entry == FOREIGN_TABLES {
                allowed.foreign_tables = true;
            } else if let Some((name, arguments)) = entry.strip_suffix(')').and_then(|e| e.split_once('(')) {
                allowed.signatures.insert(signature(&unquoted(name), arguments));
            } else {
                allowed.names.insert(unquoted(entry));
            }
        }
        allowed
    }

    pub(super) fn routine(&self, name: &str, arguments: &str, extension: Option<&str>) -> bool {
        self.names.contains(name)
            || self.signatures.contains(&signature(name, arguments))
            || extension.is_some_and(|e| self.names.contains(&format!("{EXTENSION}{e}")))
    }

    pub(super) fn extensions(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(|name| name.strip_prefix(EXTENSION))
    }

    /// The names as an array, and whether there are any.
    pub(super) fn parts(&self) -> Vec<(&'static str, String)> {
        let names: Vec<_> = self.names.iter().map(|name| literal(name)).collect();
        let array = format!("ARRAY[{}]::pg_catalog.text[]", names.join(", "));
        vec![
            ("{allowed_any}", (!names.is_empty()).to_string()),
            ("{allowed}", array),
        ]
    }
}

fn unquoted(name: &str) -> String {
    name.trim().replace('"', "")
}

fn signature(name: &str, arguments: &str) -> String {
    let types: Vec<_> = arguments.split(',').map(type_name).collect();
    format!("{name}({})", types.join(", "))
}

/// A type as people write it, from how they or the catalogs do.
pub(super) fn type_name(name: &str) -> String {
    let name = name
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('"', "");
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    if let Some(element) = name.strip_suffix("[]") {
        return format!("{}[]", type_name(element));
    }
    let (schema, bare) = name
        .rsplit_once('.')
        .map_or(("", name), |(schema, bare)| (schema, bare));
    if let Some(element) = bare.strip_prefix('_').filter(|e| !e.is_empty()) {
        let dot = if schema.is_empty() { "" } else { "." };
        return format!("{}[]", type_name(&format!("{schema}{dot}{element}")));
    }
    let lower = name.to_ascii_lowercase();
    let known = SPELLED
        .iter()
        .find(|(catalogs, others)| lower == *catalogs || others.contains(&lower.as_str()));
    match known {
        Some((catalogs, others)) => (*others.first().unwrap_or(catalogs)).to_owned(),
        None => name.to_owned(),
    }
}

/// Built-in types by the catalogs' names; the others are spellings in SQL, the usual one first.
#[rustfmt::skip]
const SPELLED: &[(&str, &[&str])] = &[
    ("int2", &["smallint"]),
    ("int4", &["integer", "int"]),
    ("int8", &["bigint"]),
    ("float4", &["real"]),
    ("float8", &["double precision", "float"]),
    ("numeric", &["numeric", "decimal"]),
    ("bool", &["boolean"]),
    ("bpchar", &["character", "char"]),
    ("varchar", &["character varying"]),
    ("varbit", &["bit varying"]),
    ("time", &["time without time zone"]),
    ("timetz", &["time with time zone"]),
    ("timestamp", &["timestamp without time zone"]),
    ("timestamptz", &["timestamp with time zone"]),
];

/// The words that a statement could write for a built-in type.
pub(super) fn spellings(name: &str) -> Vec<&str> {
    let known = SPELLED.iter().find(|(catalogs, _)| *catalogs == name);
    let others = known.map_or(&[][..], |(_, others)| others);
    let first = |spelling: &&'static str| spelling.split(' ').next().unwrap_or(spelling);
    let mut words: Vec<&str> = others.iter().map(first).collect();
    words.push(name);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &[&str]) -> Allowed {
        Allowed::new(&list.iter().map(|&e| e.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_routine_is_allowed_by_name_by_signature_or_by_extension() {
        let list = allowed(&[
            "public.f",
            "crm.g( int4,\"text\"[] )",
            "extension:plv8",
            " foreign-tables ",
        ]);
        assert!(list.foreign_tables);
        assert!(list.routine("public.f", "text, int8", None));
        assert!(list.routine("crm.g", "int4, _text", None));
        assert!(!list.routine("crm.g", "int8, _text", None));
        assert!(!list.routine("crm.f", "", None));
        assert!(list.routine("x.y", "", Some("plv8")));
        assert!(allowed(&["a.b()"]).routine("a.b", "", None));
    }

    #[test]
    fn types_are_written_as_people_do() {
        assert_eq!(type_name("timestamptz"), "timestamp with time zone");
        assert_eq!(type_name("_int4"), "integer[]");
        assert_eq!(type_name("public._mood"), "public.mood[]");
        assert_eq!(type_name("INT"), "integer");
        assert_eq!(spellings("timestamptz"), ["timestamp", "timestamptz"]);
    }
}

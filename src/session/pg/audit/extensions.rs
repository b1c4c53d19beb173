//! What is known about extensions, so that a database that uses ordinary ones needs no list of its own.
//!
//! An extension stands here only if all of its code has been considered. Others are treated like the user's own
//! code: what cannot be read is refused until the operator allows it. Absent on purpose: timescaledb, citus, pglogical,
//! pg_repack, pg_background, pg_cron, pg_partman_bgw (act in other sessions or through their own writes), tcn
//! (sends notifications), plv8 and friends' libraries, postgis_raster (can reach files and networks), and everything
//! that is not known for certain.

use super::allowed::Allowed;

/// Compute, inspect or index, and nothing else.
#[rustfmt::skip]
const CLEAN: &[&str] = &[
    // Types, operators, functions of their arguments.
    "citext", "cube", "earthdistance", "fuzzystrmatch", "hstore", "intagg", "intarray", "isn", "ltree", "pg_trgm",
    "pgcrypto", "seg", "uuid-ossp", "ip4r", "vector",
    // Index access methods and operator classes over built-in types; sampling methods.
    "bloom", "btree_gin", "btree_gist", "tsm_system_rows", "tsm_system_time",
    // Text search dictionaries, which read files of the installation.
    "dict_int", "dict_xsyn", "unaccent",
    // Show the server's own state.
    "old_snapshot", "pageinspect", "pg_freespacemap", "pg_logicalinspect", "pg_walinspect", "pgrowlocks",
    "pgstattuple", "sslinfo",
    // Triggers that change the row that is being written.
    "insert_username", "moddatetime",
    // Only handlers belong to the extension: routines written in the language do not, and are read by themselves.
    "plpgsql", "plperl", "plperlu", "plpython3u", "pltcl", "pltclu",
    // Only handlers and connection lists: what matters is the foreign tables.
    "file_fdw", "postgres_fdw",
];

/// Harmless but for functions that the lexer refuses by name: what uses those is looked for.
#[rustfmt::skip]
const MIXED: &[&str] = &[
    "adminpack", "amcheck", "dblink", "lo", "pg_buffercache", "pg_prewarm", "pg_stat_statements", "pg_surgery",
    "pg_visibility", "tablefunc", "xml2",
];

/// Their compiled code computes; their SQL and PL/pgSQL routines are read like the user's own, because some build
/// statements (`AddGeometryColumn`).
const COMPILED: &[&str] = &["postgis"];

/// The lists as the survey needs them. What the operator allows counts as clean.
pub(super) fn parts(allowed: &Allowed) -> Vec<(&'static str, String)> {
    let allowed: Vec<&str> = allowed.extensions().filter(|name| is_plain(name)).collect();
    let without = |list: &[&'static str]| -> Vec<&str> {
        list.iter()
            .copied()
            .filter(|name| !allowed.contains(name))
            .collect()
    };
    vec![
        ("{clean}", array(&[CLEAN, allowed.as_slice()].concat())),
        ("{mixed}", array(&without(MIXED))),
        ("{compiled}", array(COMPILED)),
    ]
}

/// Names that need nothing escaped. (Others are looked at, and then allowed.)
fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn array(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("'{{{}}}'::pg_catalog.name[]", quoted.join(","))
}

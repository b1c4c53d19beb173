//! The first question: everything in the database that could hide something, without a verdict.
//!
//! Guarantees: it takes no lock on any table (stored expressions are searched as the trees that they are, not printed),
//! so it does not wait behind a migration; routines of extensions that are known do not come over the wire.
//!
//! Must not know: what the operator allows, what makes a routine suspicious.

use super::allowed::Allowed;
use super::extensions;
use super::question::{Node, Row, UNEXPECTED, ask, rows};
use crate::session::Rows;

const COLUMNS: usize = 9;

/// A later version, perhaps: then nothing found proves nothing.
const STRANGE: &str = "the server stores views and expressions in a form that the audit does not know";

/// A routine whose body must be read.
#[derive(Debug)]
pub(super) struct Routine {
    pub(super) node: Node,
    /// `schema.name`
    pub(super) name: String,
    /// As the catalogs spell them.
    pub(super) arguments: String,
    pub(super) extension: Option<String>,
    pub(super) language: String,
    pub(super) config: String,
    pub(super) body: Vec<u8>,
}

/// An object that calls a built-in function, or one of an extension, which could do more than compute.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) node: Node,
    pub(super) function: String,
}

/// A function that runs at every login.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) function: Node,
    pub(super) trigger: String,
}

#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) routines: Vec<Routine>,
    pub(super) uses: Vec<Use>,
    /// Tables whose rows come from elsewhere.
    pub(super) foreign: Vec<Node>,
    /// Views through which `pg_settings` can be updated.
    pub(super) settings: Vec<Node>,
    pub(super) logins: Vec<Login>,
}

pub(super) fn question(allowed: &Allowed) -> String {
    ask(COLUMNS, include_str!("survey.sql"), &extensions::parts(allowed))
}

pub(super) fn read(answer: Rows) -> Result<Survey, String> {
    let mut survey = Survey::default();
    let class = |row: &Row| row.text(1).map(|id| Node::new("pg_class", id)).ok_or(UNEXPECTED);
    for row in rows(answer, COLUMNS)? {
        match row.bytes(0) {
            Some(b"routine") => survey.routines.push(routine(&row)?),
            Some(b"use") => survey.uses.push(Use {
                node: row.node(1, 2)?,
                function: row.text(3).unwrap_or_default(),
            }),
            Some(b"foreign") => survey.foreign.push(class(&row)?),
            Some(b"settings") => survey.settings.push(class(&row)?),
            Some(b"login") => survey.logins.push(Login {
                function: Node::new("pg_proc", row.text(1).ok_or(UNEXPECTED)?),
                trigger: row.text(2).unwrap_or_default(),
            }),
            Some(b"strange") => return Err(STRANGE.to_owned()),
            _ => return Err(UNEXPECTED.to_owned()),
        }
    }
    Ok(survey)
}

fn routine(row: &Row) -> Result<Routine, String> {
    let text = |column| row.text(column).unwrap_or_default();
    Ok(Routine {
        node: Node::new("pg_proc", row.text(1).ok_or(UNEXPECTED)?),
        name: format!("{}.{}", text(2), text(3)),
        arguments: text(4),
        language: text(5),
        extension: row.text(6),
        config: text(7),
        body: row.bytes(8).ok_or(UNEXPECTED)?.to_vec(),
    })
}

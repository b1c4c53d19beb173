//! What the catalogs say, sorted: the objects of this database and of those that they name.
//!
//! Must not know: what makes an object suspicious, or how the questions are put.

use std::collections::{BTreeMap, BTreeSet};

use super::question::{Kind, Row, UNEXPECTED};
use crate::sql::mysql::{Charset, Dialect, Flavor, SqlModes};

/// Databases of the server's own. Nothing of an application's is in them.
const SYSTEM: &[&[u8]] = &[b"information_schema", b"mysql", b"performance_schema", b"sys"];

/// Databases that are listed by the first question. Who sees more has only those followed that bodies name.
pub(super) const LISTED: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    View,
    Function,
    Procedure,
    Trigger,
    /// One with triggers, or that others follow by a foreign key.
    Table,
}

/// Something with a text.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) what: What,
    pub(super) database: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// Of a trigger.
    pub(super) table: Vec<u8>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) modes: Vec<u8>,
}

/// A change of the parent changes the child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follows {
    /// Database and table.
    pub parent: (Vec<u8>, Vec<u8>),
    pub child: (Vec<u8>, Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: Vec<u8>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) modes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Survey {
    /// The database that is audited; empty where the session has none.
    pub(super) database: Vec<u8>,
    pub(super) account: String,
    flavor: Flavor,
    version: u32,
    /// The server's scheduler runs events.
    scheduler: bool,
    /// Other databases that the account can see, but for the server's own: as they are written, by their names in lower
    /// case.
    pub(super) visible: BTreeMap<Vec<u8>, Vec<u8>>,
    /// There are more than these.
    pub(super) sees_more: bool,
    /// Those that were asked about.
    pub(super) followed: BTreeSet<Vec<u8>>,
    pub(super) objects: Vec<Object>,
    pub(super) follows: Vec<Follows>,
    pub(super) events: Vec<Event>,
    /// Where the names of loadable functions can be read.
    pub(super) loadable_in: BTreeSet<Vec<u8>>,
    pub(super) loadable: Vec<Vec<u8>>,
}

impl Survey {
    /// From the answer to the first question.
    pub(super) fn read(rows: Vec<Row>) -> Result<Self, String> {
        let session = rows.iter().find(|row| row.kind == Kind::Session);
        let session = session.ok_or(UNEXPECTED)?;
        let mut survey = Self {
            database: session.database.clone(),
            account: String::from_utf8_lossy(&session.what).into_owned(),
            flavor: flavor(&session.name),
            version: version(&session.name).ok_or(UNEXPECTED)?,
            scheduler: session.more.eq_ignore_ascii_case(b"ON"),
            visible: BTreeMap::new(),
            sees_more: false,
            followed: BTreeSet::new(),
            objects: Vec::new(),
            follows: Vec::new(),
            events: Vec::new(),
            loadable_in: BTreeSet::new(),
            loadable: Vec::new(),
        };
        let databases = rows.iter().filter(|row| row.kind == Kind::Database).count();
        survey.sees_more = databases >= LISTED;
        survey.add(rows);
        Ok(survey)
    }

    pub(super) fn add(&mut self, rows: Vec<Row>) {
        for row in rows {
            match row.kind {
                Kind::Session => {}
                Kind::Database => self.database(row.database),
                Kind::Routine => {
                    // A package is named where one of its functions is called.
                    let procedure = row.what.eq_ignore_ascii_case(b"PROCEDURE");
                    self.objects.push(object(
                        if procedure {
                            What::Procedure
                        } else {
                            What::Function
                        },
                        row,
                    ));
                }
                Kind::View => {
                    let mut view = object(What::View, row);
                    // The account may not see it.
                    view.body = view.body.filter(|body| !body.is_empty());
                    self.objects.push(view);
                }
                Kind::Trigger => self.objects.push(object(What::Trigger, row)),
                Kind::Event => self.event(row),
                Kind::ForeignKey => self.foreign_key(row),
                Kind::Loadable => self.loadable(row),
            }
        }
    }

    fn database(&mut self, name: Vec<u8>) {
        if !is_system(&name) && !name.eq_ignore_ascii_case(&self.database) {
            self.visible.insert(name.to_ascii_lowercase(), name);
        }
    }

    fn event(&mut self, row: Row) {
        if self.scheduler && row.what.eq_ignore_ascii_case(b"ENABLED") {
            self.events.push(Event {
                name: row.name,
                body: row.body,
                modes: row.modes,
            });
        }
    }

    fn foreign_key(&mut self, row: Row) {
        let acts = |rule: &[u8]| {
            [&b"CASCADE"[..], b"SET NULL", b"SET DEFAULT"]
                .iter()
                .any(|r| rule.eq_ignore_ascii_case(r))
        };
        if row.body.as_deref().is_none_or(acts) || acts(&row.more) {
            self.follows.push(Follows {
                parent: (row.definer, row.what),
                child: (row.database, row.name),
            });
        }
    }

    fn loadable(&mut self, row: Row) {
        if row.database.is_empty() {
            self.loadable.push(row.name);
        } else if let Some(privileges) = row.body
            && privileges
                .split(|&b| b == b',')
                .any(|p| p.trim_ascii().eq_ignore_ascii_case(b"select"))
        {
            self.loadable_in.insert(row.database);
        }
    }

    pub(super) fn dialect(&self, modes: SqlModes) -> Dialect {
        Dialect {
            flavor: self.flavor,
            version: self.version,
            charset: Charset::Utf8,
            modes,
        }
    }

    /// Whether what is in the other database is here.
    pub(super) fn knows(&self, database: &[u8]) -> bool {
        is_system(database)
            || database.eq_ignore_ascii_case(&self.database)
            || self.followed.contains(database) && self.visible.contains_key(database)
    }

    /// Whether there is nothing to ask about it.
    pub(super) fn is_settled(&self, database: &[u8]) -> bool {
        is_system(database)
            || database.eq_ignore_ascii_case(&self.database)
            || self.followed.contains(database)
    }

    /// All of which that is true, in lower case.
    pub(super) fn known(&self) -> BTreeSet<Vec<u8>> {
        let system = SYSTEM.iter().map(|name| name.to_vec());
        let followed = self.followed.iter().filter(|name| self.knows(name)).cloned();
        let own = self.database.to_ascii_lowercase();
        system.chain(followed).chain([own]).collect()
    }

    pub(super) fn is_mariadb(&self) -> bool {
        self.flavor == Flavor::MariaDb
    }
}

fn object(what: What, row: Row) -> Object {
    Object {
        what,
        database: row.database.to_ascii_lowercase(),
        name: row.name,
        table: if what == What::Trigger {
            row.what
        } else {
            Vec::new()
        },
        body: row.body,
        modes: row.modes,
    }
}

fn is_system(database: &[u8]) -> bool {
    SYSTEM.iter().any(|system| database.eq_ignore_ascii_case(system))
}

fn flavor(version: &[u8]) -> Flavor {
    let text = version.to_ascii_lowercase();
    if text.windows(7).any(|part| part == b"mariadb") {
        Flavor::MariaDb
    } else {
        Flavor::MySql
    }
}

/// `10.11.19-MariaDB` is 101119.
fn version(text: &[u8]) -> Option<u32> {
    let numbers = text.split(|b| !b.is_ascii_digit()).take(3);
    let numbers: Vec<u32> = numbers
        .map(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .collect::<Option<_>>()?;
    match numbers.as_slice() {
        &[major, minor, patch] if major < 1000 && minor < 100 && patch < 100 => {
            Some(major * 10_000 + minor * 100 + patch)
        }
        _ => None,
    }
}

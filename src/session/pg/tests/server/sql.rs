//! The statements that the tiny server knows. Texts have no quotes or semicolons that mean anything else.

use std::collections::VecDeque;

use super::{Refusal, Server, strings};

pub(super) enum Outcome {
    Tag(String),
    CopyIn,
}

pub(super) fn split(text: &str) -> VecDeque<String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The server cuts names.
pub(super) fn cut(name: &str) -> String {
    name.get(..63).unwrap_or(name).to_owned()
}

pub(super) fn is_select(text: &str) -> bool {
    text.trim_start().to_ascii_uppercase().starts_with("SELECT")
}

pub(super) fn syntax(text: &str) -> Result<(), Refusal> {
    match text.split_whitespace().find(|word| *word == "lull_refused") {
        Some(word) => Err(("42601", format!("syntax error at or near \"{word}\""))),
        None => Ok(()),
    }
}

fn row(columns: &[&str]) -> Vec<u8> {
    let count = u16::try_from(columns.len()).unwrap_or(0);
    let mut body = count.to_be_bytes().to_vec();
    for column in columns {
        body.extend(u32::try_from(column.len()).unwrap_or(0).to_be_bytes());
        body.extend(column.as_bytes());
    }
    body
}

/// The rows behind a tag of `run`.
pub(super) fn rows(tag: &str, server: &Server) -> Option<Vec<Vec<u8>>> {
    if !tag.starts_with("SELECT") {
        return None;
    }
    let kind = tag.split(" #").nth(1).unwrap_or_default();
    let wrote = server
        .transaction
        .as_ref()
        .is_some_and(|transaction| transaction.wrote);
    Some(match kind {
        "wrote" => vec![row(&[if wrote { "t" } else { "f" }])],
        "texts" => {
            let named = server.statements.iter().filter(|(name, _)| !name.is_empty());
            let portals = server.portals.iter();
            let statements = named.map(|(name, text)| row(&["s", name, text]));
            statements
                .chain(portals.map(|(name, text)| row(&["c", name, text])))
                .collect()
        }
        other => vec![row(&[other])],
    })
}

impl Server {
    /// Runs one statement.
    pub(super) fn run(&mut self, text: &str) -> Result<Outcome, Refusal> {
        self.begin_implicit();
        if std::mem::take(&mut self.cancelled) {
            return Err(("57014", "canceling statement due to user request".to_owned()));
        }
        self.refuse_if_failed(text)?;
        self.ran.push(text.to_owned());
        let upper = text.trim().to_ascii_uppercase();
        let words: Vec<&str> = upper.split_whitespace().collect();
        let name = |at: usize| cut(text.split_whitespace().nth(at).unwrap_or_default());
        let access = |text: &str| match text {
            _ if text.contains("READ ONLY") => Some(true),
            _ if text.contains("READ WRITE") => Some(false),
            _ => None,
        };
        let tag = match words.as_slice() {
            ["BEGIN", ..] => self.begin(access(&upper)).map(|()| "BEGIN")?,
            ["START", ..] => self.begin(access(&upper)).map(|()| "START TRANSACTION")?,
            ["COMMIT" | "END", rest @ ..] => self.commit(rest.ends_with(&["CHAIN"])),
            ["ROLLBACK", "TO", ..] => self.rollback_to(&name(2)).map(|()| "ROLLBACK")?,
            ["ROLLBACK", rest @ ..] => self.rollback(rest.ends_with(&["CHAIN"])),
            ["SAVEPOINT", ..] => self.savepoint(name(1)).map(|()| "SAVEPOINT")?,
            ["RELEASE", ..] => self.release(&name(1)).map(|()| "RELEASE")?,
            ["SET", "TRANSACTION", ..] => self
                .set_transaction(access(&upper) == Some(true))
                .map(|()| "SET")?,
            ["SET", "SESSION", "CHARACTERISTICS", ..] => self.set_default(access(&upper) == Some(true)),
            ["SET", rest @ ..] if upper.contains("DEFAULT_TRANSACTION_READ_ONLY") => {
                self.set_default(rest.last() == Some(&"ON"))
            }
            ["RESET", "ALL" | "DEFAULT_TRANSACTION_READ_ONLY"] => {
                self.set_default(self.read_only_reset);
                "RESET"
            }
            ["DISCARD", "ALL"] => self.discard()?,
            ["SELECT", "BROKEN"] => return Err(("22012", "division by zero".to_owned())),
            ["SELECT", ..] => return Ok(Outcome::Tag(self.select(text, &upper))),
            ["PREPARE", ..] => self.prepare(name(1), text)?,
            ["DEALLOCATE", "ALL"] => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            ["DEALLOCATE", ..] => {
                self.statements.remove(&name(1));
                "DEALLOCATE"
            }
            ["EXECUTE", ..] => return self.execute(&name(1)),
            ["COPY", ..] => {
                self.write(text)?;
                return Ok(Outcome::CopyIn);
            }
            ["INSERT", ..] => self.write(text).map(|()| "INSERT 0 1")?,
            ["DO", ..] if upper.contains("INSERT") => self.write(text).map(|()| "DO")?,
            ["CALL", ..] => self.call_procedure(text)?,
            // What a read-only transaction does not stop.
            ["VACUUM" | "NOTIFY", ..] => {
                self.wrote.push(text.to_owned());
                if words[0] == "VACUUM" { "VACUUM" } else { "NOTIFY" }
            }
            ["EXPLAIN", "ANALYZE", "CREATE", ..] => {
                self.wrote.push(text.to_owned());
                "EXPLAIN"
            }
            [first, ..] => return Ok(Outcome::Tag((*first).to_owned())),
            [] => "",
        };
        Ok(Outcome::Tag(tag.to_owned()))
    }

    fn set_default(&mut self, read_only: bool) -> &'static str {
        self.read_only = read_only;
        "SET"
    }

    fn select(&mut self, text: &str, upper: &str) -> String {
        self.begin_implicit().queried = true;
        if upper.contains("SET_CONFIG('DEFAULT_TRANSACTION_READ_ONLY'") {
            self.read_only = upper.contains("'ON'");
        }
        let kind = match upper {
            _ if upper.contains("XACT_ID_IF_ASSIGNED") => "wrote",
            _ if upper.contains("PG_PREPARED_STATEMENTS") => "texts",
            _ => text.trim().get(7..).unwrap_or_default(),
        };
        format!("SELECT 1 #{kind}")
    }

    pub(super) fn write(&mut self, text: &str) -> Result<(), Refusal> {
        let transaction = self.begin_implicit();
        transaction.queried = true;
        if transaction.read_only {
            let verb = text
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            return Err((
                "25006",
                format!("cannot execute {verb} in a read-only transaction"),
            ));
        }
        transaction.wrote = true;
        self.wrote.push(text.to_owned());
        Ok(())
    }

    /// A procedure that commits, and then writes.
    fn call_procedure(&mut self, text: &str) -> Result<&'static str, Refusal> {
        if self
            .transaction
            .as_ref()
            .is_some_and(|transaction| !transaction.implicit)
        {
            return Err(("2D000", "invalid transaction termination".to_owned()));
        }
        self.transaction = None;
        self.write(text).map(|()| "CALL")
    }

    fn discard(&mut self) -> Result<&'static str, Refusal> {
        if self
            .transaction
            .as_ref()
            .is_some_and(|transaction| !transaction.implicit)
        {
            return Err((
                "25001",
                "DISCARD ALL cannot run inside a transaction block".to_owned(),
            ));
        }
        self.read_only = self.read_only_reset;
        self.statements.clear();
        self.portals.clear();
        // It commits by itself.
        self.transaction = None;
        Ok("DISCARD ALL")
    }

    fn prepare(&mut self, name: String, text: &str) -> Result<&'static str, Refusal> {
        let inner = strings(text.as_bytes())[0]
            .splitn(4, ' ')
            .nth(3)
            .unwrap_or_default()
            .to_owned();
        if self.statements.contains_key(&name) {
            return Err(("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        self.statements.insert(name, inner);
        Ok("PREPARE")
    }

    fn execute(&mut self, name: &str) -> Result<Outcome, Refusal> {
        let missing = || ("26000", format!("prepared statement \"{name}\" does not exist"));
        let text = self.statements.get(name).cloned().ok_or_else(missing)?;
        if text.trim_start().to_ascii_uppercase().starts_with("EXECUTE") {
            return Err(("54001", "stack depth limit exceeded".to_owned()));
        }
        self.run(&text)
    }
}

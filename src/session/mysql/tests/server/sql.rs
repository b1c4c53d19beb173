//! The statements that the tiny server knows. Texts have no semicolons that mean anything else, and quotes only around
//! whole words.

use std::collections::VecDeque;

use super::{Refusal, Server};

pub(super) enum Answer {
    Ok,
    /// Rows of text; and whether their end tells of a transaction that has begun with them, which a session without
    /// autocommit learns only afterwards.
    Rows(Vec<Vec<String>>, bool),
    /// It asks for a file first.
    File,
}

pub(super) fn split(text: &str) -> VecDeque<String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

pub(super) fn has_rows(text: &str) -> bool {
    let upper = text.trim_start().to_ascii_uppercase();
    upper.starts_with("SELECT") || upper.starts_with("SHOW")
}

pub(super) fn is_nonsense(text: &str) -> bool {
    text.to_ascii_uppercase().starts_with("SELEC ")
}

/// What an executable comment holds.
fn uncommented(text: &str) -> &str {
    let inner = text.strip_prefix("/*!").and_then(|text| text.strip_suffix("*/"));
    inner.map_or(text, str::trim)
}

fn access(upper: &str) -> Option<bool> {
    match upper {
        _ if upper.contains("READ WRITE") => Some(false),
        _ if upper.contains("READ ONLY") => Some(true),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    text.split('\'').nth(1).unwrap_or_default().to_owned()
}

impl Server {
    /// Runs a statement, and ends what ends with it.
    pub(super) fn run_whole(&mut self, text: &str) -> Result<Answer, Refusal> {
        self.begin_statement();
        if std::mem::take(&mut self.interrupted) {
            return Err((1317, "70100", "Query execution was interrupted".to_owned()));
        }
        let was_open = self.transaction.is_some();
        let done = self.run(text).map(|answer| match answer {
            Answer::Rows(rows, _) => Answer::Rows(rows, was_open || self.settings.autocommit),
            answer => answer,
        });
        if !matches!(done, Ok(Answer::File)) {
            self.end_statement(done.is_ok());
        }
        done
    }

    fn run(&mut self, text: &str) -> Result<Answer, Refusal> {
        self.ran.push(text.to_owned());
        let text = uncommented(text);
        let upper = text.to_ascii_uppercase();
        let words: Vec<&str> = upper.split_whitespace().collect();
        let name = |at: usize| text.split_whitespace().nth(at).unwrap_or_default().to_owned();
        let chains = words.ends_with(&["AND", "CHAIN"]);
        match words.as_slice() {
            ["SELECT" | "SHOW", ..] => return self.select(text, &upper),
            ["LOAD", "DATA", "LOCAL", ..] => {
                self.refuse_if_read_only()?;
                return Ok(Answer::File);
            }
            ["EXECUTE", ..] => return self.execute(&name(1)),
            ["BEGIN" | "START", ..] => self.begin(access(&upper)),
            ["COMMIT", ..] => self.commit(chains),
            ["ROLLBACK", "TO", ..] | ["SAVEPOINT" | "RELEASE" | "DO", ..] => {}
            ["ROLLBACK", ..] => self.roll_back(chains),
            ["SET", "TRANSACTION", ..] => self.set_next(access(&upper) == Some(true))?,
            ["SET", "SESSION", "TRANSACTION", ..] => self.set_read_only(access(&upper) == Some(true)),
            ["SET", "GLOBAL", ..] | ["FLUSH" | "KILL" | "CALL" | "ANALYZE", ..] => self.leak(text),
            ["SET", ..] => self.set(text.get(4..).unwrap_or_default())?,
            ["USE", ..] => self.use_database(&name(1))?,
            ["INSERT", "INTO", ..] => self.insert(&name(2), text)?,
            ["CREATE" | "DROP" | "ALTER", ..] => self.act(text)?,
            ["LOCK", "TABLES", .., "WRITE"] => {
                self.act(text)?;
                self.lock();
            }
            ["LOCK", "TABLES", ..] => {
                self.commit(false);
                self.lock();
            }
            ["UNLOCK", "TABLES"] => {
                if self.unlock() {
                    self.commit(false);
                }
            }
            ["PREPARE", ..] => {
                self.named.insert(name(1), quoted(text));
            }
            ["DEALLOCATE", ..] => {
                self.named.remove(&name(2));
            }
            _ => {
                return Err((
                    1064,
                    "42000",
                    format!("You have an error in your SQL syntax at '{text}'"),
                ));
            }
        }
        Ok(Answer::Ok)
    }

    fn insert(&mut self, table: &str, text: &str) -> Result<(), Refusal> {
        let here = self.database.clone();
        let database = table.split_once('.').map_or(&*here, |(database, _)| database);
        self.write(database, text)
    }

    fn select(&mut self, text: &str, upper: &str) -> Result<Answer, Refusal> {
        let row = match upper {
            _ if upper.contains("NOTHING") => {
                return Err((1054, "42S22", "Unknown column 'nothing'".to_owned()));
            }
            _ if upper.starts_with("SELECT DATABASE()") => self.look(text),
            _ if upper.starts_with("SHOW GRANTS") => {
                vec!["GRANT ALL PRIVILEGES ON *.* TO `app`@`%`".to_owned()]
            }
            _ if upper.starts_with("SHOW") => vec!["read_only".to_owned(), "OFF".to_owned()],
            _ => vec![text.to_owned()],
        };
        if upper.contains("INTO OUTFILE") {
            self.leak(text);
            return Ok(Answer::Ok);
        }
        if upper.contains("FOR UPDATE") {
            self.refuse_if_read_only()?;
        }
        if upper.contains(" FROM ") {
            self.read();
        }
        Ok(Answer::Rows(vec![row], true))
    }

    fn execute(&mut self, name: &str) -> Result<Answer, Refusal> {
        let missing = || {
            (
                1243,
                "HY000",
                format!("Unknown prepared statement handler ({name})"),
            )
        };
        let text = self.named.get(name).cloned().ok_or_else(missing)?;
        if text.to_ascii_uppercase().starts_with("EXECUTE") {
            return Err((1295, "HY000", "This command is not supported".to_owned()));
        }
        self.run(&text)
    }
}

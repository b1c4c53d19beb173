//! What stands in parentheses after a verb: `(REASON '...', DRAIN '30s', FORMAT json)`.

use std::time::Duration;

use super::{
    Repoint,
    verb::{CATCH_UP, DRAIN, Format, On, Wrong},
};
use crate::{
    config::{MalformedAddress, parse_duration},
    gate::{Fallback, OnReplicas, Prepared, Scope, Stragglers, Unmovable},
};

/// A reason is shown to clients, in the detail of every refusal.
const REASON_CHARS_MAX: usize = 500;
const OPTIONS_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Given(Vec<(String, String)>);

impl Given {
    /// From behind the opening parenthesis. Also gives what follows the closing one.
    pub(super) fn parse(text: &str) -> Result<(Self, &str), Wrong> {
        let mut given = Self::default();
        let mut rest = text.trim_start();
        if let Some(rest) = rest.strip_prefix(')') {
            return Ok((given, rest));
        }
        loop {
            let (key, after) = word(rest);
            let (value, after) = value(after.trim_start())?;
            if key.is_empty() {
                return Err(expected());
            }
            let key = key.to_ascii_uppercase();
            given.put(key, value)?;
            rest = after.trim_start();
            match rest.strip_prefix(',') {
                Some(next) => rest = next.trim_start(),
                None => break,
            }
        }
        match rest.strip_prefix(')') {
            Some(rest) => Ok((given, rest)),
            None => Err(Wrong::Syntax(
                "expected a comma or a closing parenthesis in the options".into(),
            )),
        }
    }

    fn put(&mut self, key: String, value: String) -> Result<(), Wrong> {
        if self.0.iter().any(|(other, _)| *other == key) {
            return Err(Wrong::Syntax(format!("{key} is given twice")));
        }
        if self.0.len() >= OPTIONS_MAX {
            return Err(Wrong::Syntax("too many options".into()));
        }
        self.0.push((key, value));
        Ok(())
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.swap_remove(at).1)
    }

    pub(super) fn format(&mut self) -> Result<Format, Wrong> {
        match self
            .take("FORMAT")
            .map(|format| format.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("table") => Ok(Format::Table),
            Some("json") => Ok(Format::Json),
            Some(_) => Err(Wrong::Value("FORMAT is json or table".into())),
        }
    }

    pub(super) fn on(&mut self, scope: Scope) -> Result<On, Wrong> {
        let reason = self.take("REASON").unwrap_or_default();
        if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
            return Err(Wrong::Value(format!(
                "REASON must be one line of at most {REASON_CHARS_MAX} characters"
            )));
        }
        let stragglers = match self
            .take("STRAGGLERS")
            .map(|policy| policy.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("abort") => Stragglers::Abort,
            Some("terminate") => Stragglers::Terminate,
            Some("report") => Stragglers::Report,
            Some(_) => return Err(Wrong::Value("STRAGGLERS is abort, terminate or report".into())),
        };
        let prepared = match self
            .take("PREPARED")
            .map(|policy| policy.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("block") => Prepared::Block,
            Some("ignore") => Prepared::Ignore,
            Some(_) => return Err(Wrong::Value("PREPARED is block or ignore".into())),
        };
        let drain = self.duration("DRAIN")?.unwrap_or(DRAIN);
        let replicas = self.replicas()?;
        let lasts = self.duration("FOR")?;
        if lasts == Some(Duration::ZERO) {
            return Err(Wrong::Value("FOR must be above zero".into()));
        }
        Ok(On {
            scope,
            reason,
            drain,
            stragglers,
            prepared,
            lasts,
            replicas,
        })
    }

    fn replicas(&mut self) -> Result<Option<OnReplicas>, Wrong> {
        let wrong = |what: &str| Err(Wrong::Value(what.to_owned()));
        match self.word("MODE").as_deref() {
            None | Some("read_only") => return Ok(None),
            Some("replica") => {}
            Some(_) => return wrong("MODE is read_only or replica"),
        }
        let fallback = match self.word("FALLBACK").as_deref() {
            None | Some("primary") => Fallback::Primary,
            Some("wait") => Fallback::Wait,
            Some("error") => Fallback::Error,
            Some(_) => return wrong("FALLBACK is primary, wait or error"),
        };
        let unmovable = match self.word("UNMOVABLE").as_deref() {
            None | Some("stay") => Unmovable::Stay,
            Some("close") => Unmovable::Close,
            Some("refuse") => Unmovable::Refuse,
            Some(_) => return wrong("UNMOVABLE is stay, close or refuse"),
        };
        let catch_up = self.duration("CATCH_UP")?.unwrap_or(CATCH_UP);
        Ok(Some(OnReplicas {
            catch_up_ms: u64::try_from(catch_up.as_millis()).unwrap_or(u64::MAX),
            fallback,
            unmovable,
        }))
    }

    pub(super) fn repoint(&mut self, scope: &Scope) -> Result<Repoint, Wrong> {
        let named = scope.as_cluster().map(str::to_owned);
        let cluster = named.ok_or_else(|| Wrong::Value("LULL REPOINT takes a cluster".into()))?;
        let primary = self.take("PRIMARY");
        let primary = primary.ok_or_else(|| Wrong::Value("LULL REPOINT needs PRIMARY 'host:port'".into()))?;
        let other_system = match self.word("OTHER_SYSTEM").as_deref() {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => return Err(Wrong::Value("OTHER_SYSTEM is yes or no".into())),
        };
        Ok(Repoint {
            cluster,
            primary: primary
                .parse()
                .map_err(|wrong: MalformedAddress| Wrong::Value(wrong.to_string()))?,
            other_system,
        })
    }

    fn word(&mut self, key: &str) -> Option<String> {
        self.take(key).map(|word| word.to_ascii_lowercase())
    }

    fn duration(&mut self, key: &str) -> Result<Option<Duration>, Wrong> {
        let Some(text) = self.take(key) else {
            return Ok(None);
        };
        parse_duration(&text)
            .map(Some)
            .map_err(|wrong| Wrong::Value(format!("{key}: {wrong}")))
    }

    pub(super) fn nothing_left(self) -> Result<(), Wrong> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(Wrong::Syntax(format!("unknown option {key} here"))),
        }
    }
}

fn expected() -> Wrong {
    Wrong::Syntax("expected (KEY value, KEY 'value', ...)".into())
}

/// Bare or quoted; only a quoted one may be empty.
fn value(text: &str) -> Result<(String, &str), Wrong> {
    match text.strip_prefix('\'') {
        Some(inner) => string(inner),
        None => Some(word(text))
            .filter(|(word, _)| !word.is_empty())
            .ok_or_else(expected),
    }
}

fn word(text: &str) -> (String, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word.to_owned(), rest)
}

/// From behind the opening quote; quotes inside are doubled. Also gives what follows.
pub(super) fn string(text: &str) -> Result<(String, &str), Wrong> {
    let mut string = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('\'') else {
            return Err(Wrong::Syntax("a quote is not closed".into()));
        };
        string.push_str(before);
        match after.strip_prefix('\'') {
            Some(after) => {
                string.push('\'');
                rest = after;
            }
            None => return Ok((string, after)),
        }
    }
}

//! The language of the admin socket: `LULL ON shop (REASON '...', DRAIN '30s')`, `LULL OFF shop`, `SHOW LULLS` ...
//!
//! Verbs are case-insensitive, a scope stands bare or in quotes, a semicolon may follow. What is not understood is a
//! syntax error that lists the verbs.

use std::time::Duration;

use super::{
    Repoint,
    options::{self, Given},
};
use crate::gate::{OnReplicas, Prepared, Scope, Stragglers};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) verb: Verb,
    pub(super) format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Table,
    /// One row with one column.
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    On(On),
    Off {
        scope: Scope,
    },
    /// While `LULL ON` runs on the same connection: the lull stays although the caller leaves.
    Keep,
    Lulls,
    Fence,
    Sessions,
    Upstreams,
    Status {
        scope: Scope,
    },
    Help,
    Repoint(Repoint),
    Reload,
    Shutdown,
    /// What drivers send by themselves (BEGIN, SET ...): nothing happens, and the tag says it is done.
    Nothing(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct On {
    pub(super) scope: Scope,
    pub(super) reason: String,
    pub(super) drain: Duration,
    pub(super) stragglers: Stragglers,
    pub(super) prepared: Prepared,
    /// How long until the lull ends by itself.
    pub(super) lasts: Option<Duration>,
    pub(super) replicas: Option<OnReplicas>,
}

pub(super) const DRAIN: Duration = Duration::from_secs(30);
pub(super) const CATCH_UP: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Syntax(String),
    /// The form is right, a value is not.
    Value(String),
}

/// Verb, what it takes, what it does.
pub(super) const VERBS: &[(&str, &str, &str)] = &[
    (
        "LULL ON",
        "[scope] (REASON '..', DRAIN '30s', STRAGGLERS abort|terminate|report, FOR '2h', PREPARED block|ignore, \
         MODE read_only|replica, CATCH_UP '30s', FALLBACK primary|wait|error, UNMOVABLE stay|close|refuse)",
        "open a lull; returns at the fence",
    ),
    ("LULL OFF", "[scope]", "close a lull"),
    ("SHOW LULLS", "", "the lulls that are open"),
    ("SHOW FENCE", "", "how far the fence of each lull is"),
    (
        "SHOW STATUS",
        "[scope]",
        "lulls, sessions by mode, counters that must be 0",
    ),
    ("SHOW SESSIONS", "", "every session"),
    ("SHOW UPSTREAMS", "", "the servers behind lull"),
    (
        "LULL REPOINT",
        "cluster (PRIMARY 'host:port', OTHER_SYSTEM yes|no)",
        "another server is the cluster's primary",
    ),
    ("RELOAD", "", "read the configuration and the certificates again"),
    ("SHUTDOWN", "", "stop lull; open lulls stay open"),
    ("SHOW HELP", "", "this list"),
];

pub(super) fn verbs() -> String {
    let names: Vec<_> = VERBS.iter().map(|(verb, ..)| *verb).collect();
    format!(
        "The verbs are {}. Every one takes (FORMAT json).",
        names.join(", ")
    )
}

/// None for a text that holds nothing.
pub(super) fn parse(text: &str) -> Result<Option<Ask>, Wrong> {
    let mut rest = Rest(text);
    let word = rest.word();
    let verb = match word.as_str() {
        "" if rest.is_empty() => return Ok(None),
        "LULL" => match rest.word().as_str() {
            "ON" => "LULL ON",
            "OFF" => "LULL OFF",
            "REPOINT" => "LULL REPOINT",
            "KEEP" => "LULL KEEP",
            other => return Err(unknown(&format!("LULL {other}"))),
        },
        "SHOW" => match rest.word().as_str() {
            "LULLS" => "LULLS",
            "FENCE" => "FENCE",
            "STATUS" => "STATUS",
            "SESSIONS" => "SESSIONS",
            "UPSTREAMS" => "UPSTREAMS",
            "HELP" => "HELP",
            other => return Err(unknown(&format!("SHOW {other}"))),
        },
        "RELOAD" => "RELOAD",
        "SHUTDOWN" => "SHUTDOWN",
        _ => return rest.nothing(&word).map(Some),
    };
    let takes_scope = matches!(verb, "LULL ON" | "LULL OFF" | "LULL REPOINT" | "STATUS");
    let scope = if takes_scope { rest.scope()? } else { Scope::all() };
    let given = rest.options()?;
    rest.end()?;
    ask(verb, scope, given).map(Some)
}

fn ask(verb: &str, scope: Scope, mut given: Given) -> Result<Ask, Wrong> {
    let format = given.format()?;
    let verb = match verb {
        "LULL ON" => Verb::On(given.on(scope)?),
        "LULL OFF" => Verb::Off { scope },
        "LULL REPOINT" => Verb::Repoint(given.repoint(&scope)?),
        "LULL KEEP" => Verb::Keep,
        "LULLS" => Verb::Lulls,
        "FENCE" => Verb::Fence,
        "STATUS" => Verb::Status { scope },
        "SESSIONS" => Verb::Sessions,
        "UPSTREAMS" => Verb::Upstreams,
        "RELOAD" => Verb::Reload,
        "SHUTDOWN" => Verb::Shutdown,
        _ => Verb::Help,
    };
    given.nothing_left()?;
    Ok(Ask { verb, format })
}

fn unknown(what: &str) -> Wrong {
    Wrong::Syntax(format!(
        "unknown verb \"{}\"",
        what.trim().chars().take(40).collect::<String>()
    ))
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip_space(&mut self) {
        loop {
            self.0 = self.0.trim_start();
            match self.0.strip_prefix("--") {
                Some(comment) => self.0 = comment.split_once('\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    fn is_empty(&mut self) -> bool {
        self.skip_space();
        self.0.chars().all(|c| c == ';' || c.is_whitespace())
    }

    /// The next word, in capitals. Empty where there is none.
    fn word(&mut self) -> String {
        self.skip_space();
        let end = self
            .0
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word.to_ascii_uppercase()
    }

    fn scope(&mut self) -> Result<Scope, Wrong> {
        self.skip_space();
        let typed = match self.0.strip_prefix('\'') {
            Some(rest) => options::string(rest).map(|(text, rest)| {
                self.0 = rest;
                text
            })?,
            None => {
                let mut in_quotes = false;
                let ends = |c: char| {
                    in_quotes ^= c == '"';
                    !in_quotes && (c.is_whitespace() || matches!(c, '(' | ';'))
                };
                let (typed, rest) = self.0.split_at(self.0.find(ends).unwrap_or(self.0.len()));
                self.0 = rest;
                if typed.is_empty() {
                    "all".to_owned()
                } else {
                    typed.to_owned()
                }
            }
        };
        let typed = if typed.eq_ignore_ascii_case("all") {
            "all"
        } else {
            &typed
        };
        typed
            .parse()
            .map_err(|wrong: crate::gate::MalformedScope| Wrong::Value(wrong.to_string()))
    }

    fn options(&mut self) -> Result<Given, Wrong> {
        self.skip_space();
        let Some(rest) = self.0.strip_prefix('(') else {
            return Ok(Given::default());
        };
        let (given, rest) = Given::parse(rest)?;
        self.0 = rest;
        Ok(given)
    }

    /// What drivers send by themselves. Were another statement behind it, that would not be run: so there may be none.
    fn nothing(&mut self, word: &str) -> Result<Ask, Wrong> {
        let tag = match word {
            "BEGIN" | "START" => "BEGIN",
            "COMMIT" | "END" => "COMMIT",
            "ROLLBACK" | "ABORT" => "ROLLBACK",
            "SET" => "SET",
            "RESET" => "RESET",
            "DISCARD" => "DISCARD ALL",
            "DEALLOCATE" => "DEALLOCATE ALL",
            _ => return Err(unknown(word)),
        };
        self.0 = self.0.find(';').map_or("", |at| &self.0[at..]);
        self.end()?;
        Ok(Ask {
            verb: Verb::Nothing(tag),
            format: Format::Table,
        })
    }

    fn end(&mut self) -> Result<(), Wrong> {
        if self.is_empty() {
            return Ok(());
        }
        if self.0.starts_with(';') {
            return Err(Wrong::Syntax(
                "one verb at a time: send the others by themselves".into(),
            ));
        }
        let near: String = self.0.chars().take(40).collect();
        Err(Wrong::Syntax(format!("nothing is expected at \"{near}\"")))
    }
}

/// As a string of this language.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> On {
        match parse(text).unwrap().unwrap().verb {
            Verb::On(on) => on,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lull_is_opened_with_everything_or_nothing_said() {
        let bare = on("lull on");
        assert_eq!((bare.scope, bare.drain, bare.lasts), (Scope::all(), DRAIN, None));
        let full = on(
            "LULL ON shop/crm@web (REASON 'it''s (4.2), \"now\"', drain '1m', STRAGGLERS report, FOR '2h', PREPARED ignore) ;",
        );
        assert_eq!(full.scope.to_string(), "shop/crm@web");
        assert_eq!(full.reason, "it's (4.2), \"now\"");
        assert_eq!(
            (full.drain, full.lasts),
            (Duration::from_secs(60), Some(Duration::from_secs(7200)))
        );
        assert_eq!(
            (full.stragglers, full.prepared),
            (Stragglers::Report, Prepared::Ignore)
        );
    }

    #[test]
    fn a_scope_stands_bare_or_in_quotes() {
        for text in [
            "LULL OFF shop/*@web",
            "lull off 'shop/*@web';",
            "LULL OFF shop/*@web(FORMAT json)",
        ] {
            let verb = parse(text).unwrap().unwrap().verb;
            assert_eq!(
                verb,
                Verb::Off {
                    scope: "shop/*@web".parse().unwrap()
                },
                "{text}"
            );
        }
        assert_eq!(
            on("LULL ON shop/\"a (b\" (DRAIN '1s')").scope.database(),
            Some("a (b")
        );
        assert_eq!(on("LULL ON ALL").scope, Scope::all());
    }

    #[test]
    fn what_is_not_understood_says_what_is_wrong() {
        for text in [
            "LULL",
            "LULL MAYBE",
            "SHOW",
            "SHOW TABLES",
            "SELECT 1",
            "RELOAD now",
            "LULL ON shop now",
            "LULL ON (REASON)",
            "LULL ON (REASON 'x'",
            "LULL ON (REASON 'x",
            "LULL ON (COLOUR 'x')",
            "LULL ON (DRAIN '1s', DRAIN '2s')",
            "SHOW LULLS (DRAIN '1s')",
            "!",
            "BEGIN; LULL ON",
            "LULL ON; LULL OFF",
        ] {
            assert!(
                matches!(parse(text), Err(Wrong::Syntax(_))),
                "{text}: {:?}",
                parse(text)
            );
        }
        for text in [
            "LULL ON shop/",
            "LULL ON (DRAIN 'soon')",
            "LULL ON (STRAGGLERS shout)",
            "LULL ON (FOR '0s')",
        ] {
            assert!(matches!(parse(text), Err(Wrong::Value(_))), "{text}");
        }
    }

    #[test]
    fn emptiness_comments_and_what_drivers_send_do_nothing() {
        for text in ["", " ; ", "-- nothing", "-- a\n;"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
        for text in [
            "BEGIN",
            "set client_encoding to 'utf8'",
            "COMMIT;",
            "-- hello\nROLLBACK",
        ] {
            assert!(
                matches!(parse(text).unwrap().unwrap().verb, Verb::Nothing(_)),
                "{text}"
            );
        }
        assert_eq!(
            parse("show lulls (format JSON)").unwrap().unwrap().format,
            Format::Json
        );
    }

    #[test]
    fn a_string_reads_back_as_it_was_quoted() {
        for text in ["", "'", "it's", "a''b"] {
            assert_eq!(on(&format!("LULL ON (REASON {})", quoted(text))).reason, text);
        }
    }
}

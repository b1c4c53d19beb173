//! What one verb brings back, ready to be sent.

use pgwire::messages::{
    PgWireBackendMessage,
    response::{ErrorResponse, NoticeResponse},
};

use super::{
    Answer, Refused,
    table::{self, Row},
    verb::{Ask, Format, Verb, Wrong, verbs},
};

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) rows: Vec<Row>,
    pub(super) tag: String,
    /// Severity and text.
    pub(super) notices: Vec<(&'static str, String)>,
}

/// An error that leaves the connection usable.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn message(&self, severity: &str) -> PgWireBackendMessage {
        let mut fields = fields(severity, self.code, &self.message);
        fields.extend(self.hint.iter().map(|hint| (b'H', hint.clone())));
        PgWireBackendMessage::ErrorResponse(ErrorResponse::new(fields))
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Syntax(what) => Self {
                hint: Some(verbs()),
                ..Self::new("42601", what)
            },
            Wrong::Value(what) => Self::new("22023", what),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Policy(what) => Self::new("42704", what),
            Refused::Failed(what) => Self::new("58000", what),
        }
    }
}

pub(super) fn notice(severity: &str, text: &str) -> PgWireBackendMessage {
    let code = if severity == "WARNING" { "01000" } else { "00000" };
    PgWireBackendMessage::NoticeResponse(NoticeResponse::new(fields(severity, code, text)))
}

/// PostgreSQL manual, 54.8 "Error and Notice Message Fields".
fn fields(severity: &str, code: &str, text: &str) -> Vec<(u8, String)> {
    // A zero would end the field early.
    let text = text.replace('\0', "");
    vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', code.to_owned()),
        (b'M', text),
    ]
}

impl Reply {
    pub(super) fn tag(tag: &str) -> Self {
        Self {
            rows: Vec::new(),
            tag: tag.to_owned(),
            notices: Vec::new(),
        }
    }

    pub(super) fn help(format: Format) -> Self {
        Self {
            rows: table::help(format),
            ..Self::tag("SHOW")
        }
    }

    pub(super) fn new(ask: &Ask, answer: &Answer) -> Self {
        let rows = match ask.format {
            Format::Json => vec![vec![Some(table::json(&ask.verb, answer))]],
            Format::Table => table::rows(&ask.verb, answer),
        };
        let tag = match ask.verb {
            Verb::On(_) => "LULL ON",
            Verb::Off { .. } => "LULL OFF",
            Verb::Repoint(_) => "LULL REPOINT",
            Verb::Reload => "RELOAD",
            Verb::Shutdown => "SHUTDOWN",
            _ => "SHOW",
        };
        Self {
            rows,
            tag: tag.to_owned(),
            notices: notices(answer, ask.format),
        }
    }
}

/// What a row has no room for. In JSON it is all there.
fn notices(answer: &Answer, format: Format) -> Vec<(&'static str, String)> {
    let mut notices = Vec::new();
    match answer {
        Answer::Opened(opened) => {
            if !opened.fenced {
                let waited = table::age(opened.fenced_ms);
                notices.push((
                    "WARNING",
                    format!("the fence was not reached within {waited}: writes may still happen"),
                ));
            }
            if format == Format::Json {
                return notices;
            }
            for straggler in &opened.stragglers {
                let who = &straggler.session;
                let mut text = format!(
                    "session {} of {} in {}: {}",
                    who.id, who.user, who.database, straggler.fate
                );
                if let Some(why) = &straggler.why {
                    text.push_str(&format!(": {why}"));
                }
                notices.push(("NOTICE", text));
            }
            let warnings = opened.warnings.iter().cloned();
            notices.extend(warnings.map(|warning| ("WARNING", warning)));
            for prepared in &opened.prepared {
                let text = format!(
                    "prepared transaction {} of {} in {}",
                    prepared.gid, prepared.owner, prepared.database
                );
                notices.push(("NOTICE", text));
            }
            for finding in &opened.audit {
                notices.push((
                    "NOTICE",
                    format!(
                        "audit: {} in {}: {}",
                        finding.object, finding.database, finding.why
                    ),
                ));
            }
        }
        Answer::Closed(closed) if !closed.existed && format == Format::Table => {
            notices.push(("NOTICE", format!("no lull was open on {}", closed.scope)));
        }
        _ => {}
    }
    notices
}

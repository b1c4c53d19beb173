//! What a client is told when something does not run in a lull.
//!
//! Error 1792, SQLSTATE 25006, the server's own sentence first: frameworks know it, and pools keep the connection. Then
//! which lull, why and until when. Never SQL text, and never a phrase by which a framework would take the connection
//! for lost.

use std::{borrow::Cow, sync::Arc};

use crate::{
    fault::Fault,
    gate::Lull,
    session::Refused,
    wire::mysql::error::{self, Error},
};

use super::server::Server;

/// ER_ACCESS_DENIED_ERROR: most often the password is wrong.
const ACCESS_DENIED: u16 = 1045;
/// Of COM_CHANGE_USER. The login itself knows how to pass it.
pub(super) const PASSWORD: &str = "Access denied: no proof of the password was enough for the \
    server, which asks for the password itself. That cannot be passed on to another user's login \
    while only one of the two connections (client to lull, lull to server) has TLS: connect anew, or \
    use TLS on both or on neither";

/// A server's message is cut at this length, and some clients' buffers are as long.
const MESSAGE_BYTES_MAX: usize = 511;

/// By these, in whatever case, frameworks know a connection that is lost, and would retry.
const PHRASES_OF_LOSS: [&str; 22] = [
    "server has gone away",
    "lost connection",
    "is dead or not enabled",
    "went away",
    "server is shutting down",
    "connection lost",
    "connection was killed",
    "broken pipe",
    "running with the --read-only option",
    "no such file",
    "reset by peer",
    "failed to connect to",
    "error while sending",
    "decryption failed or bad record mac",
    "server closed the connection unexpectedly",
    "ssl connection has been closed unexpectedly",
    "error writing data to the connection",
    "resource deadlock avoided",
    "transaction() on null",
    "child connection forced to terminate",
    "connection timed out",
    "packets out of order",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) class: Refused,
    /// Why a read-only transaction is not the whole reason; may be empty.
    because: Cow<'static, str>,
    /// It may run when the audit is known.
    pub(super) until_audited: bool,
    /// It may run when it is known what is in this other database.
    pub(super) until_known: Option<String>,
    /// It only reads: it may run under the guard meanwhile.
    pub(super) under_guard: bool,
    /// By which it is refused, where that may be over.
    pub(super) lull: Option<Arc<Lull>>,
}

impl Refusal {
    pub(super) fn new(class: Refused, because: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            because: because.into(),
            until_audited: false,
            until_known: None,
            under_guard: false,
            lull: None,
        }
    }

    /// By a lull that may be over.
    pub(super) fn of(lull: Arc<Lull>, class: Refused, because: &'static str) -> Self {
        Self {
            lull: Some(lull),
            ..Self::new(class, because)
        }
    }

    /// For what could run code that the audit has not seen yet.
    pub(super) fn until_audited() -> Self {
        Self {
            until_audited: true,
            ..Self::new(
                Refused::Hidden,
                "It is refused because the routines of this database are still being looked at.",
            )
        }
    }

    /// For what names another database, of which nobody knows what it reaches.
    pub(super) fn until_known(database: String) -> Self {
        let why = format!("It is refused because nobody has looked what {database} reaches, which it names.");
        Self {
            until_known: Some(database),
            ..Self::new(Refused::Hidden, why)
        }
    }

    pub(super) fn message(&self, server: Server, lull: &Lull) -> String {
        compose(sentence(server), &self.because, lull)
    }
}

/// The server's own.
pub(super) fn sentence(server: Server) -> &'static str {
    if server.is_mariadb() {
        "Cannot execute statement in a READ ONLY transaction"
    } else {
        "Cannot execute statement in a READ ONLY transaction."
    }
}

/// Whether a server says no because it is a replica. The same number stands for other options of the server.
pub(super) fn is_of_replica(error: &Error<'_>) -> bool {
    let message = String::from_utf8_lossy(error.message).to_ascii_lowercase();
    let names_option = message.contains("read-only") || message.contains("read_only");
    error.code == error::INNODB_READ_ONLY || error.code == error::OPTION_PREVENTS && names_option
}

/// The SQLSTATE that goes with the number of a refusal.
pub(super) fn sqlstate(code: u16) -> &'static [u8] {
    match code {
        error::READ_ONLY_TRANSACTION => error::READ_ONLY_SQL_TRANSACTION,
        _ => b"HY000",
    }
}

pub(super) fn refuse_password(sequence: u8, out: &mut Vec<u8>) {
    let error = Error {
        code: ACCESS_DENIED,
        sqlstate: Some(b"28000"),
        message: PASSWORD.as_bytes(),
    };
    error.write(out, sequence);
}

/// The server's own refusal, with what lull knows about it.
pub(super) fn explain(sentence: &str, code: u16, lull: &Lull, sequence: u8, out: &mut Vec<u8>) {
    let message = compose(sentence, "", lull);
    Error {
        message: message.as_bytes(),
        code,
        sqlstate: Some(sqlstate(code)),
    }
    .write(out, sequence);
}

fn compose(sentence: &str, because: &str, lull: &Lull) -> String {
    let separator = if sentence.ends_with('.') { " " } else { ". " };
    let detail = lull.detail();
    let detail = if tells_of_loss(&detail) {
        "A lull is open: the database can only be read.".to_owned()
    } else {
        detail
    };
    // A name that a client has chosen can be in it.
    let because = if tells_of_loss(because) { "" } else { because };
    let mut message = format!("{sentence}{separator}{detail} {because}")
        .trim_end()
        .to_owned();
    message.push(' ');
    message.push_str(&lull.hint());
    cut(&mut message, MESSAGE_BYTES_MAX);
    message
}

fn tells_of_loss(text: &str) -> bool {
    let text = text.to_lowercase();
    PHRASES_OF_LOSS.iter().any(|phrase| text.contains(phrase))
}

fn cut(message: &mut String, most: usize) {
    let end = (0..=most.min(message.len()))
        .rev()
        .find(|&at| message.is_char_boundary(at));
    message.truncate(end.unwrap_or(0));
}

/// The last word on a connection that the drain policy ends.
pub(super) fn terminated(lull: &Lull) -> String {
    format!("The connection ends because of a lull. {}", lull.detail())
}

/// Number, SQLSTATE and text of lull's last words: the server's own numbers for a session that is ended, a peer that
/// breaks the protocol, and a server that cannot be used.
pub(super) fn parting(fault: &Fault) -> (u16, &'static [u8], String) {
    let (_, message) = fault.for_client();
    match fault {
        // ER_MALFORMED_PACKET.
        Fault::Client(_) => (1835, b"HY000", message),
        // ER_SERVER_SHUTDOWN.
        Fault::Policy(_) => (1053, b"08S01", message),
        // ER_UNKNOWN_ERROR.
        Fault::Upstream(_) | Fault::Proxy(_) => (1105, b"HY000", message),
    }
}

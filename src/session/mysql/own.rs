//! Statements of lull's own, and their replies.
//!
//! They go as COM_QUERY between two commands of the client's. Each is in ASCII, quotes strings in the way that every
//! SQL mode reads alike, and names no object, so that a client cannot have it mean something else.

use crate::{
    session::Rows,
    wire::mysql::{command, error, packet, row},
};

use super::{reply::Says, server::Server};

/// What a statement of lull's own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// To have the server report what transactions do.
    Arm,
    /// What holds now, for the exit, and for reading texts as the server does.
    Look,
    /// The server reports how texts are read, and where the session is.
    Watch,
    /// The same, and it refuses writes from the next transaction on.
    Guard,
    /// The server refuses writes, and no more: for a session at rest, of which nothing need be known yet.
    GuardAlone,
    /// The server reports what is committed. Not in a transaction, where MySQL does not allow it.
    Alarm,
    /// The guard alone is taken back.
    Unguard,
    Restore,
    /// What `Alarm` has set.
    Silence,
    /// Only what `Watch` has set, for a client that is about to set it itself.
    Yield,
    Question,
    /// Whether it has done what would keep the session from leaving its server.
    Deeds,
    /// What must follow the session to another server.
    Luggage,
    /// Whether the server can parse what lull cannot.
    Parse,
    /// Whether the open transaction is an XA branch, and in which state.
    Branch,
    /// Whether a transaction is open: results do not tell where one begins with them.
    Probe,
    /// The transaction that a question has begun.
    End,
    /// Whether the account can write in the databases of lulls beside it.
    Grants,
    /// The end of a transaction whose time is over.
    Rollback,
    /// What the XA branch is called whose time is over.
    Reveal,
    /// Its end, in two steps.
    EndBranch,
    RollbackBranch,
    /// The end of LOCK TABLES whose time is over.
    Unlock,
}

/// The size of all rows of one reply. A question of lull's own with a larger answer is answered by an error.
pub(super) const REPLY_BYTES_MAX: usize = 64 << 20;

/// What is asked with `Own::Look`, in the order of `Seen`.
pub(super) fn look(server: &Server) -> String {
    let read_only = server.read_only_variable();
    let gtids = if server.is_mariadb() {
        "''"
    } else {
        "@@session.session_track_gtids"
    };
    format!(
        "SELECT DATABASE(), @@session.{read_only}, @@session.sql_mode, @@session.character_set_client, \
         @@session.session_track_schema, @@session.session_track_transaction_info, \
         @@session.session_track_system_variables, {gtids}"
    )
}

/// The two names tell what the client makes of these settings; they are not added to an asterisk, nor twice.
pub(super) const ARM: &str = "SET SESSION session_track_schema = 1, SESSION session_track_transaction_info = 'STATE', \
     SESSION session_track_system_variables = IF(@@session.session_track_system_variables LIKE '%*%' \
     OR @@session.session_track_system_variables LIKE '%session_track_%', \
     @@session.session_track_system_variables, \
     CONCAT_WS(',', NULLIF(@@session.session_track_system_variables, ''), \
     'session_track_transaction_info,session_track_system_variables'))";

/// Fails in every transaction, and says by which state of a branch.
pub(super) const BRANCH: &str = "XA START 'lull'";

/// `guards`: whether the server is to refuse writes. What the client has asked to be told of, it still is.
pub(super) fn guard(server: &Server, kept: &Kept, guards: bool) -> String {
    let read_only = server.read_only_variable();
    let value = if guards {
        format!("{read_only} = 1, SESSION ")
    } else {
        String::new()
    };
    // More than lull needs is what the client wants.
    let transactions = match kept.transactions.as_str() {
        "CHARACTERISTICS" => "CHARACTERISTICS",
        _ => "STATE",
    };
    let gtid = server.is_mariadb().then_some("last_gtid");
    let asked = kept.variables.trim();
    // MySQL takes no name twice.
    let own = [read_only, "sql_mode", "character_set_client"]
        .into_iter()
        .chain(gtid);
    let own = own.filter(|name| !kept.tracks(name.as_bytes()));
    let names = (!asked.is_empty()).then_some(asked).into_iter().chain(own);
    let reported = names.collect::<Vec<_>>().join(",");
    format!(
        "SET SESSION {value}session_track_schema = 1, SESSION session_track_transaction_info = '{transactions}', \
         SESSION session_track_system_variables = '{reported}'"
    )
}

/// Fails where the session's own default is read-only already (no variable of two values takes 2): so its success tells
/// what there is to restore, and nothing need be asked before it.
pub(super) fn guard_alone(server: &Server) -> String {
    let read_only = server.read_only_variable();
    format!("SET SESSION {read_only} = 1 + @@session.{read_only}")
}

pub(super) fn unguard(server: &Server, read_only: bool) -> String {
    format!(
        "SET SESSION {} = {}",
        server.read_only_variable(),
        u8::from(read_only)
    )
}

/// What the session is to have again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) read_only: bool,
    pub(super) schema: bool,
    /// What the server reports of transactions.
    transactions: String,
    /// The names of variables, or an asterisk.
    variables: String,
    pub(super) gtids: String,
}

impl Kept {
    /// Whether the client has asked for reports of a variable.
    pub(super) fn tracks(&self, name: &[u8]) -> bool {
        let is_it = |tracked: &str| tracked == "*" || tracked.as_bytes().eq_ignore_ascii_case(name);
        self.variables.split(',').any(|tracked| is_it(tracked.trim()))
    }

    pub(super) fn tracks_gtids(&self) -> bool {
        self.gtids.contains("GTID")
    }

    /// Whether the client has turned the server's reports of transactions off.
    pub(super) fn is_silent(&self) -> bool {
        !matches!(self.transactions.as_str(), "STATE" | "CHARACTERISTICS")
    }
}

/// What the server says to `Own::Look`.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) database: Vec<u8>,
    pub(super) sql_mode: String,
    pub(super) character_set: String,
    pub(super) kept: Kept,
}

impl Seen {
    /// None for what is no answer to the question.
    pub(super) fn read(rows: &Rows) -> Option<Self> {
        let [row] = rows.as_slice() else { return None };
        let text = |at: usize| {
            row.get(at)
                .map(|column| plain(column.as_deref().unwrap_or_default()))
        };
        let is_on = |text: String| matches!(text.as_str(), "1" | "ON");
        Some(Self {
            database: row.first()?.clone().unwrap_or_default(),
            sql_mode: text(2)?,
            character_set: text(3)?,
            kept: Kept {
                read_only: is_on(text(1)?),
                schema: is_on(text(4)?),
                transactions: text(5)?,
                variables: text(6)?,
                gtids: text(7)?,
            },
        })
    }
}

/// What is left of a text that a client may have put there: enough for every value that the server takes.
fn plain(text: &[u8]) -> String {
    let is_plain =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b',' | b'*' | b' ' | b'-');
    text.iter()
        .filter(is_plain)
        .map(|&byte| char::from(byte))
        .collect()
}

/// The server answers by how the transaction was begun, and reports its letters as before.
pub(super) const REVEAL: &str = "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'";

pub(super) const ALARM: &str = "SET SESSION session_track_gtids = 'OWN_GTID'";

pub(super) fn silence(kept: &Kept) -> String {
    format!("SET SESSION session_track_gtids = '{}'", kept.gtids)
}

/// `guard`: whether the server refuses writes because lull has said so, and no longer shall.
pub(super) fn restore(server: &Server, kept: &Kept, guard: bool) -> String {
    let read_only = server.read_only_variable();
    let Kept {
        read_only: value,
        schema,
        transactions,
        variables,
        ..
    } = kept;
    let value = if guard {
        format!("{read_only} = {}, SESSION ", u8::from(*value))
    } else {
        String::new()
    };
    format!(
        "SET SESSION {value}session_track_schema = {}, SESSION session_track_transaction_info = '{transactions}', \
         SESSION session_track_system_variables = '{variables}'",
        u8::from(*schema)
    )
}

/// Appends a statement of lull's own.
pub(super) fn write(out: &mut Vec<u8>, text: &str, attributes: bool) {
    let mut payload = vec![command::QUERY];
    if attributes {
        // No query attributes, in one set.
        payload.extend_from_slice(&[0, 1]);
    }
    payload.extend_from_slice(text.as_bytes());
    packet::write(out, 0, &payload);
}

/// The reply to a statement of lull's own, as it gathers.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) rows: Rows,
    bytes: usize,
    /// Number and message.
    pub(super) error: Option<(u16, String)>,
    /// The number of a statement.
    pub(super) prepared: Option<u32>,
}

impl Gathered {
    pub(super) fn add(&mut self, says: Says<'_>, payload: &[u8]) {
        match says {
            Says::Row => self.add_row(payload),
            Says::Prepared(id) => self.prepared = Some(id),
            Says::Error(error) => {
                let message = String::from_utf8_lossy(error.message).into_owned();
                self.error = Some((error.code, message));
            }
            _ => {}
        }
    }

    fn add_row(&mut self, payload: &[u8]) {
        self.bytes = self.bytes.saturating_add(payload.len());
        if self.bytes > REPLY_BYTES_MAX {
            self.rows = Rows::new();
            self.error = Some((0, format!("the answer is larger than {REPLY_BYTES_MAX} bytes")));
            return;
        }
        let Some(row) = row::text(payload) else { return };
        let row = row.into_iter().map(|column| column.map(<[u8]>::to_vec)).collect();
        self.rows.push(row);
    }

    pub(super) fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// The state that an XA branch is in, which allows no other command.
    pub(super) fn branch_state(&self) -> Option<&str> {
        match &self.error {
            Some((error::XA_WRONG_STATE, message)) => message.split_whitespace().rev().nth(1),
            _ => None,
        }
    }

    /// By a KILL QUERY of somebody.
    pub(super) fn was_interrupted(&self) -> bool {
        matches!(self.error, Some((error::QUERY_INTERRUPTED, _)))
    }
}

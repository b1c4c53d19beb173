//! What must follow a session to another server of its cluster: asked for, put in place there, compared.
//!
//! The server is asked and nothing is tracked, so that normal mode pays nothing. Guarantees that a session goes on only
//! where everything that was asked for is as it was. It must not know sockets or which server is meant.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    session::{Rows, Site},
    sql::pg::{self as sql, Class, Conforming, Modes},
    wire::pg::{backend, error::Fields, frontend},
};

use super::{customs::Customs, own, parameters::READ_ONLY_DEFAULT, position::Position};

/// One flight. The operators are the catalog's own: a client's search_path could have others.
const QUESTION: &str = "\
    SELECT CASE WHEN s.source OPERATOR(pg_catalog.=) 'session' \
        THEN 'setting' ELSE 'reported' END, s.name, s.setting, NULL FROM pg_catalog.pg_settings s \
        WHERE s.source OPERATOR(pg_catalog.=) 'session' OR s.name OPERATOR(pg_catalog.=) ANY \
        ('{application_name,client_encoding,DateStyle,default_transaction_read_only,in_hot_standby,\
        integer_datetimes,IntervalStyle,scram_iterations,search_path,server_encoding,server_version,\
        standard_conforming_strings,TimeZone}'::pg_catalog.text[]) \
    UNION ALL SELECT 'role', pg_catalog.current_setting('role'), SESSION_USER::pg_catalog.text, \
        pg_catalog.current_setting('is_superuser') \
    UNION ALL SELECT 'statement', p.name, p.statement, CASE WHEN p.from_sql THEN NULL \
        ELSE p.parameter_types::pg_catalog.oid[]::pg_catalog.text END \
        FROM pg_catalog.pg_prepared_statements p \
    UNION ALL SELECT 'site', pg_catalog.pg_is_in_recovery()::pg_catalog.text, (CASE \
        WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
        ELSE pg_catalog.pg_current_wal_insert_lsn() END)::pg_catalog.text, NULL \
    UNION ALL SELECT 'stays', 'it has temporary tables', NULL, NULL \
        WHERE CASE WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
        THEN false ELSE \
        EXISTS (SELECT 1 FROM pg_catalog.pg_class c \
            WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) OR \
        EXISTS (SELECT 1 FROM pg_catalog.pg_type t \
            WHERE t.typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) OR \
        EXISTS (SELECT 1 FROM pg_catalog.pg_proc f \
            WHERE f.pronamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()) END \
    UNION ALL SELECT 'stays', 'it listens', NULL, NULL \
        WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_listening_channels()) \
    UNION ALL SELECT 'stays', 'it has cursors WITH HOLD', NULL, NULL \
        WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_cursors c WHERE c.is_holdable) \
    UNION ALL SELECT 'stays', 'it holds advisory locks', NULL, NULL \
        WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_locks l \
            WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' \
            AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()) \
    UNION ALL SELECT 'stays', 'its transactions are serializable', NULL, NULL \
        WHERE pg_catalog.current_setting('default_transaction_isolation') \
        OPERATOR(pg_catalog.=) 'serializable'";

/// With custom settings, whose names only lull knows.
pub(super) fn question(customs: Option<&Customs>) -> String {
    let more = customs.map(Customs::question).unwrap_or_default();
    format!("{QUESTION}{more}")
}

/// How the server reads what is replayed depends on these: they go first.
const FIRST: [&[u8]; 2] = [b"client_encoding", b"standard_conforming_strings"];

type Text = Vec<u8>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Prepared {
    /// By a Parse: the text, and what its parameters are.
    Parsed(Text, Vec<u32>),
    /// By PREPARE, of which this is the text.
    Sql(Text),
}

/// What one connection has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Luggage {
    settings: BTreeMap<Text, Text>,
    /// Also of settings that the session has not changed.
    reported: BTreeMap<Text, Text>,
    role: Text,
    session_user: Text,
    /// They are what the login makes them, and nobody has asked.
    of_login: bool,
    statements: BTreeMap<Text, Prepared>,
    site: Option<Site>,
    position: Position,
    /// Why it cannot leave.
    pub(super) stays: Option<String>,
    /// The Parse of the unnamed statement, which the server does not list.
    pub(super) unnamed: Option<Box<[u8]>>,
    modes: Option<Modes>,
    pub(super) customs: Option<Customs>,
    /// How far the log must be where it goes.
    pub(super) behind: Position,
    /// The server that had it is gone: how long another may take to come as far as that one was.
    pub(super) after_loss: Option<Duration>,
}

impl Luggage {
    /// From the rows of the answer.
    pub(super) fn read(rows: &Rows, modes: Modes) -> Self {
        let mut luggage = Self {
            modes: Some(modes),
            ..Self::default()
        };
        for row in rows {
            let [Some(kind), Some(name), value, more] = row.as_slice() else {
                continue;
            };
            let text = value.clone().unwrap_or_default();
            match kind.as_slice() {
                // A custom setting that nobody has set.
                b"setting" if value.is_none() => {}
                b"setting" => {
                    luggage.reported.insert(name.clone(), text.clone());
                    luggage.settings.insert(name.clone(), text);
                }
                b"reported" => {
                    luggage.reported.insert(name.clone(), text);
                }
                b"role" => {
                    luggage
                        .reported
                        .insert(b"session_authorization".to_vec(), text.clone());
                    let superuser = more.clone().unwrap_or_default();
                    luggage.reported.insert(b"is_superuser".to_vec(), superuser);
                    (luggage.role, luggage.session_user) = (name.clone(), text);
                }
                b"statement" if own::is_own_name(name) => {}
                b"statement" => match prepared(name, text, more.as_deref(), modes) {
                    Some(prepared) => drop(luggage.statements.insert(name.clone(), prepared)),
                    None => {
                        luggage.stays = Some("it has a prepared statement that cannot be read".to_owned())
                    }
                },
                b"site" => {
                    let standby = name.starts_with(b"t");
                    luggage.site = Some(if standby { Site::Replica } else { Site::Primary });
                    luggage.position = Position::read(&text).unwrap_or_default();
                }
                _ => luggage.stays = Some(String::from_utf8_lossy(name).into_owned()),
            }
        }
        luggage
    }

    /// What a session has that was logged in by a server in a lull.
    pub(super) fn of_login() -> Self {
        let guard = (READ_ONLY_DEFAULT.to_vec(), b"on".to_vec());
        Self {
            settings: BTreeMap::from([guard]),
            of_login: true,
            ..Self::default()
        }
    }

    /// The server has confirmed a Parse of this name.
    pub(super) fn add_statement(&mut self, name: &[u8], text: Text, types: Vec<u32>) {
        self.statements
            .insert(name.to_vec(), Prepared::Parsed(text, types));
    }

    pub(super) fn drop_statement(&mut self, name: &[u8]) {
        self.statements.remove(name);
    }

    /// The server that had it is gone: how long another may take to come as far as that one was.
    pub fn after_loss(&self) -> Option<Duration> {
        self.after_loss
    }

    /// It goes nowhere where less is known than at this position.
    pub fn not_before(&mut self, position: Position) {
        self.behind = self.behind.max(position);
    }

    /// What the old server has last reported of a setting, if that is known.
    pub(super) fn reported(&self, name: &[u8]) -> Option<&[u8]> {
        self.reported.get(name).map(Vec::as_slice)
    }

    /// Where the log is on the server that was asked.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The messages that put everything in place on a fresh connection.
    fn pack(&self) -> Vec<u8> {
        let mut out = Vec::new();
        frontend::write_parse(&mut out, "", "SELECT pg_catalog.set_config($1, $2, false)");
        let first = FIRST.iter().filter_map(|name| self.settings.get_key_value(*name));
        let others = self
            .settings
            .iter()
            .filter(|(name, _)| !FIRST.contains(&name.as_slice()));
        for (name, value) in first.chain(others) {
            write_execution(&mut out, name, value);
        }
        // Behind the settings, which may be the login's to set.
        if !self.of_login {
            write_execution(&mut out, b"role", &self.role);
        }
        for (name, prepared) in &self.statements {
            match prepared {
                Prepared::Parsed(text, types) => write_parse(&mut out, name, text, types),
                Prepared::Sql(text) => {
                    write_parse(&mut out, b"", text, &[]);
                    frontend::write(&mut out, frontend::BIND, &[b"\0\0\0\0\0\0\0\0"]);
                    frontend::write(&mut out, frontend::EXECUTE, &[b"\0\0\0\0\0"]);
                }
            }
        }
        if let Some(unnamed) = &self.unnamed {
            frontend::write(&mut out, frontend::PARSE, &[unnamed]);
        }
        frontend::write(&mut out, frontend::SYNC, &[]);
        out
    }

    /// What is not there as it is here.
    fn differs(&self, there: &Self, to: Site) -> Option<String> {
        let lossy = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        if there.site != Some(to) {
            return Some(match to {
                Site::Replica => "it is not in recovery: it is no replica".to_owned(),
                Site::Primary => "it is in recovery: it is no primary".to_owned(),
            });
        }
        if there.position < self.behind {
            return Some(format!(
                "its log is at {}, behind {}",
                there.position, self.behind
            ));
        }
        let names = self.settings.keys().chain(there.settings.keys());
        if let Some(name) = names
            .into_iter()
            .find(|name| self.settings.get(*name) != there.settings.get(*name))
        {
            return Some(format!("the setting {} is another there", lossy(name)));
        }
        let names = self.statements.keys().chain(there.statements.keys());
        if names
            .into_iter()
            .any(|name| !is_same(self.statements.get(name), there.statements.get(name)))
        {
            return Some("a prepared statement is another there".to_owned());
        }
        let same = self.of_login || (&self.role, &self.session_user) == (&there.role, &there.session_user);
        (!same).then(|| "the role is another there".to_owned())
    }
}

/// A session's luggage on its way into a fresh connection.
#[derive(Debug)]
pub struct Unpacking {
    wanted: Box<Luggage>,
    to: Site,
    packed: bool,
    reply: own::Reply,
    modes: Modes,
}

impl Unpacking {
    /// Also what must be sent.
    pub fn begin(wanted: Box<Luggage>, to: Site) -> (Self, Vec<u8>) {
        let mut out = wanted.pack();
        own::write(&mut out, &question(wanted.customs.as_ref()), false);
        let unpacking = Self {
            modes: wanted.modes.unwrap_or(MODES),
            wanted,
            to,
            packed: false,
            reply: own::Reply::default(),
        };
        (unpacking, out)
    }

    /// One message of the server's. The outcome, or None while there is more to come.
    pub fn hear(&mut self, tag: u8, body: &[u8]) -> Option<Result<(), String>> {
        match tag {
            backend::READY_FOR_QUERY if self.packed => {
                let reply = std::mem::take(&mut self.reply);
                if let Some((_, message)) = reply.error {
                    return Some(Err(message));
                }
                let there = Luggage::read(&reply.rows, self.modes);
                Some(self.wanted.differs(&there, self.to).map_or(Ok(()), Err))
            }
            backend::READY_FOR_QUERY => {
                self.packed = true;
                None
            }
            backend::ERROR if !self.packed => {
                let fields = Fields::read(body).unwrap_or_default();
                Some(Err(String::from_utf8_lossy(fields.message()).into_owned()))
            }
            _ if self.packed => {
                self.reply.add(tag, body);
                None
            }
            _ => None,
        }
    }
}

/// Where nothing is known. Backslashes are read in either way.
const MODES: Modes = Modes {
    standard_conforming_strings: Conforming::On,
    encoding: sql::Encoding::Safe,
    server_major: 0,
};

/// A Parse leaves it to the server to find out types that it does not name.
fn is_same(wanted: Option<&Prepared>, there: Option<&Prepared>) -> bool {
    match (wanted, there) {
        (Some(Prepared::Parsed(text, types)), Some(Prepared::Parsed(text_there, types_there))) => {
            let named = types.iter().zip(types_there);
            text == text_there
                && types.len() <= types_there.len()
                && named.into_iter().all(|(said, is)| *said == 0 || said == is)
        }
        (wanted, there) => wanted == there,
    }
}

fn prepared(name: &[u8], text: Text, types: Option<&[u8]>, modes: Modes) -> Option<Prepared> {
    if let Some(types) = types {
        let inner = types.strip_prefix(b"{")?.strip_suffix(b"}")?;
        let inner = std::str::from_utf8(inner).ok()?;
        let oids: Result<Vec<u32>, _> = inner
            .split(',')
            .filter(|oid| !oid.is_empty())
            .map(str::parse)
            .collect();
        return Some(Prepared::Parsed(text, oids.ok()?));
    }
    let read = |standard_conforming_strings| {
        let modes = Modes {
            standard_conforming_strings,
            ..modes
        };
        let mut statements = sql::statements(&text, &modes).ok()?;
        // It is listed with the whole message that it came in.
        statements.retain(
            |statement| matches!(&statement.class, Class::Prepare { name: known, .. } if known == name),
        );
        let only = statements.pop().filter(|_| statements.is_empty())?;
        text.get(only.span)
    };
    let (one, other) = (read(Conforming::On)?, read(Conforming::Off)?);
    (one == other).then(|| Prepared::Sql(one.to_vec()))
}

/// Of the unnamed statement, with two parameters.
fn write_execution(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let parts: [&[u8]; 7] = [
        b"\0\0\0\0\0\x02",
        &length(name),
        name,
        &length(value),
        value,
        b"\0\0",
        b"",
    ];
    frontend::write(out, frontend::BIND, &parts);
    frontend::write(out, frontend::EXECUTE, &[b"\0\0\0\0\0"]);
}

fn write_parse(out: &mut Vec<u8>, name: &[u8], text: &[u8], types: &[u32]) {
    let count = u16::try_from(types.len()).unwrap_or(u16::MAX).to_be_bytes();
    let types: Vec<u8> = types.iter().flat_map(|oid| oid.to_be_bytes()).collect();
    frontend::write(out, frontend::PARSE, &[name, b"\0", text, b"\0", &count, &types]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, name: &str, value: Option<&str>, more: Option<&str>) -> Vec<Option<Vec<u8>>> {
        let text = |text: &str| text.as_bytes().to_vec();
        vec![
            Some(text(kind)),
            Some(text(name)),
            value.map(text),
            more.map(text),
        ]
    }

    fn listed(site: &str, position: &str) -> Rows {
        vec![
            row("setting", "work_mem", Some("5120"), None),
            row("reported", "TimeZone", Some("UTC"), None),
            row("role", "none", Some("app"), Some("off")),
            row("statement", "p", Some("SELECT $1"), Some("{23}")),
            row("statement", "lull$own", Some("SELECT 1"), Some("{}")),
            row("statement", "q", Some("SELECT 1; PREPARE q AS SELECT 2"), None),
            row("site", site, Some(position), None),
        ]
    }

    #[test]
    fn what_is_the_same_there_is_gone_on_with() {
        let mut wanted = Luggage::read(&listed("false", "0/50"), MODES);
        assert_eq!(wanted.stays, None);
        wanted.behind = Position::read(b"0/60").unwrap();
        let there = Luggage::read(&listed("true", "0/60"), MODES);
        assert_eq!(wanted.differs(&there, Site::Replica), None);
        let behind = Luggage::read(&listed("true", "0/5F"), MODES);
        assert!(wanted.differs(&behind, Site::Replica).unwrap().contains("behind"));
        assert!(
            wanted
                .differs(&there, Site::Primary)
                .unwrap()
                .contains("no primary")
        );
    }

    #[test]
    fn anything_else_is_told() {
        let wanted = Luggage::read(&listed("true", "0/60"), MODES);
        let rows = listed("true", "0/60");
        for missing in [0, 2, 3, 5] {
            let mut fewer = rows.clone();
            fewer.remove(missing);
            let there = Luggage::read(&fewer, MODES);
            assert!(wanted.differs(&there, Site::Replica).is_some(), "{missing}");
            assert!(there.differs(&wanted, Site::Replica).is_some(), "{missing}");
        }
    }

    #[test]
    fn what_a_parse_has_left_open_is_what_the_server_makes_of_it() {
        let there = Luggage::read(&listed("true", "0/60"), MODES);
        let mut wanted = there.clone();
        for (types, same) in [
            (vec![], true),
            (vec![0], true),
            (vec![23], true),
            (vec![25], false),
        ] {
            wanted.add_statement(b"p", b"SELECT $1".to_vec(), types.clone());
            assert_eq!(wanted.differs(&there, Site::Replica).is_none(), same, "{types:?}");
        }
    }

    #[test]
    fn only_the_prepare_of_a_longer_message_is_packed() {
        let wanted = Luggage::read(&listed("true", "0/60"), MODES);
        assert_eq!(
            wanted.statements[&b"q"[..]],
            Prepared::Sql(b"PREPARE q AS SELECT 2".to_vec())
        );
        let packed = wanted.pack();
        let holds = |what: &[u8]| packed.windows(what.len()).any(|window| window == what);
        assert!(holds(b"p\0SELECT $1\0\0\x01\0\0\0\x17") && !holds(b"lull$own"));
    }

    #[test]
    fn why_it_stays_is_the_servers_word() {
        let mut rows = listed("false", "0/50");
        rows.push(row("stays", "it listens", None, None));
        assert_eq!(Luggage::read(&rows, MODES).stays.as_deref(), Some("it listens"));
    }
}

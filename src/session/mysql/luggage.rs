//! What must follow a session to another server of its cluster: what is asked for, and how it compares.
//!
//! The server is asked and nothing is tracked, so that normal mode pays nothing. Guarantees that a session goes on only
//! where everything that was asked for is as it was. It must not know sockets or which server is meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    session::{Rows, Site},
    wire::mysql::capability::Capabilities,
};

use super::{Gtids, server::Server, statements::Prepared, variables::Variables};

/// These follow also where the session has them as its server has them by default: another server has other defaults,
/// and by these texts are read and results made.
const ALWAYS: [&str; 34] = [
    "autocommit",
    "auto_increment_increment",
    "auto_increment_offset",
    "block_encryption_mode",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "collation_connection",
    "collation_server",
    "completion_type",
    "default_week_format",
    "div_precision_increment",
    "explicit_defaults_for_timestamp",
    "foreign_key_checks",
    "group_concat_max_len",
    "interactive_timeout",
    "lc_messages",
    "lc_time_names",
    "max_execution_time",
    "max_sort_length",
    "max_statement_time",
    "old_mode",
    "session_track_gtids",
    "session_track_schema",
    "session_track_system_variables",
    "session_track_transaction_info",
    "sql_auto_is_null",
    "sql_mode",
    "sql_safe_updates",
    "sql_select_limit",
    "time_zone",
    "transaction_isolation",
    "tx_isolation",
    "wait_timeout",
];

/// What is no setting, what a connection has for life, and what follows the database.
const NEVER: [&str; 27] = [
    "character_set_database",
    "collation_database",
    "debug_sync",
    "error_count",
    "external_user",
    "gtid_binlog_state",
    "gtid_executed",
    "gtid_owned",
    "gtid_purged",
    "gtid_seq_no",
    "identity",
    "in_transaction",
    "insert_id",
    "last_gtid",
    "max_allowed_packet",
    "max_user_connections",
    "net_buffer_length",
    "original_commit_timestamp",
    "proxy_user",
    "pseudo_replica_mode",
    "pseudo_slave_mode",
    "pseudo_thread_id",
    "rand_seed1",
    "rand_seed2",
    "statement_id",
    "timestamp",
    "warning_count",
];

/// What is asked, of either server. `names`: settings that are asked for whatever they are. `variables`: what is asked
/// of those of the user's own.
pub(super) fn question(server: Server, names: &[&str], variables: &str) -> String {
    let always = quoted(ALWAYS.iter().chain(names));
    let never = quoted(NEVER.iter());
    let settings = if server.is_mariadb() {
        format!(
            "SELECT IF(VARIABLE_SCOPE = 'SESSION', 'setting', 'only') AS a, LOWER(VARIABLE_NAME) AS b, \
             SESSION_VALUE AS c, GLOBAL_VALUE AS d FROM information_schema.SYSTEM_VARIABLES \
             WHERE VARIABLE_SCOPE <> 'GLOBAL' AND READ_ONLY = 'NO' AND LOWER(VARIABLE_NAME) NOT IN ({never}) \
             AND (VARIABLE_SCOPE <> 'SESSION' OR SESSION_VALUE <> GLOBAL_VALUE \
             OR LOWER(VARIABLE_NAME) IN ({always}))"
        )
    } else {
        format!(
            "SELECT IF(g.VARIABLE_NAME IS NULL, 'only', 'setting') AS a, s.VARIABLE_NAME AS b, \
             s.VARIABLE_VALUE AS c, g.VARIABLE_VALUE AS d FROM performance_schema.session_variables s \
             LEFT JOIN performance_schema.global_variables g ON g.VARIABLE_NAME = s.VARIABLE_NAME \
             WHERE s.VARIABLE_NAME NOT IN ({never}) AND (g.VARIABLE_NAME IS NULL \
             OR s.VARIABLE_VALUE <> g.VARIABLE_VALUE OR s.VARIABLE_NAME IN ({always}))"
        )
    };
    // The limit is more than any client's sql_select_limit.
    format!(
        "{settings}{variables} UNION ALL SELECT 'place', DATABASE(), CURRENT_ROLE(), NULL \
         UNION ALL SELECT 'site', {}, {}, {} LIMIT 1000000",
        "IF(@@global.read_only IN ('0', 'OFF'), 'primary', 'replica')",
        "/*M! IF(@@global.read_only IN ('0', 'OFF'), @@global.gtid_current_pos, @@global.gtid_slave_pos) */ \
         /*!80000 @@global.gtid_executed */",
        "/*M! NULL */ /*!80000 @@global.server_uuid */"
    )
}

fn quoted<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("'{name}'")).collect();
    quoted.join(",")
}

type Text = Vec<u8>;

/// What one connection has.
#[derive(Clone, Debug, Default)]
pub struct Luggage {
    /// Those that have a default, and those that only sessions have.
    pub(super) settings: BTreeMap<String, Text>,
    only: BTreeMap<String, Text>,
    /// The user's own.
    pub(super) variables: Variables,
    /// How they are asked for.
    pub(super) names: Option<BTreeSet<String>>,
    pub(super) database: Option<Text>,
    pub(super) role: Option<Text>,
    site: Option<Site>,
    /// How far the log is where the session is, without what that server has done on its own.
    pub(super) seen: Option<Gtids>,
    /// The same as the server wrote it.
    pub(super) position: String,
    /// By the numbers that the client holds, in the order in which they are to be prepared.
    pub(super) statements: Vec<(u32, Prepared)>,
    pub(super) option: Option<[u8; 2]>,
    /// Why it cannot leave.
    pub(super) stays: Option<String>,
    /// What client and server speak, which cannot change.
    pub agreed: Capabilities,
    /// How far the log was at the fence.
    pub(super) fence: Option<Gtids>,
}

impl Luggage {
    /// From the rows of the answer.
    pub(super) fn read(rows: &Rows) -> Self {
        let (mut luggage, mut asked) = (Self::default(), BTreeSet::new());
        for row in rows {
            let [Some(kind), name, value, more] = row.as_slice() else {
                continue;
            };
            let text = |text: &Option<Text>| {
                String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned()
            };
            let of = |value: &Option<Text>| value.clone().unwrap_or_default();
            match kind.as_slice() {
                b"setting" => drop(luggage.settings.insert(text(name), of(value))),
                b"only" => drop(luggage.only.insert(text(name), of(value))),
                b"variable" => {
                    asked.insert(text(name));
                    // NULL is what they are where nobody has set them.
                    if value.is_some() && more.is_some() {
                        luggage.variables.insert(text(name), (of(value), of(more)));
                    }
                }
                b"known" if !asked.contains(&text(name)) => {
                    luggage.stays = Some("it has variables whose names lull has not seen".to_owned());
                }
                b"place" => (luggage.database, luggage.role) = (name.clone(), value.clone()),
                b"site" => {
                    let replica = name.as_deref() == Some(b"replica");
                    luggage.site = Some(if replica { Site::Replica } else { Site::Primary });
                    luggage.position = text(value);
                    luggage.seen = Gtids::read(&luggage.position);
                    if let Some(seen) = &mut luggage.seen {
                        seen.leave_out(&text(more));
                    }
                }
                _ => {}
            }
        }
        luggage
    }

    /// All settings by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Text)> {
        self.settings.iter().chain(&self.only)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Text> {
        self.settings.get(name).or_else(|| self.only.get(name))
    }

    /// What is not there as it is here.
    pub(super) fn differs(&self, there: &Self, to: Site) -> Option<String> {
        if there.site != Some(to) {
            return Some(match to {
                Site::Replica => "it is not read_only: it is no replica".to_owned(),
                Site::Primary => "it is read_only: it is no primary".to_owned(),
            });
        }
        let at = Gtids::read(&there.position);
        for wanted in [&self.fence, &self.seen].into_iter().flatten() {
            if !at.as_ref().is_some_and(|at| at.has(wanted)) {
                return Some(format!("its log is at {}, behind {wanted}", there.position));
            }
        }
        if let Some((name, _)) = self.all().find(|(name, value)| there.value(name) != Some(value)) {
            return Some(format!("the setting {name} is another there"));
        }
        if let Some(name) = there.settings.keys().find(|name| self.value(name).is_none()) {
            return Some(format!("the setting {name} is another there"));
        }
        if self.variables != there.variables {
            return Some("a variable of the user's own is another there".to_owned());
        }
        let here = (&self.database, &self.role);
        let place = here != (&there.database, &there.role);
        place.then(|| "the database or the role is another there".to_owned())
    }
}

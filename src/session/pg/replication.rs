//! Replication connections (manual: "Streaming Replication Protocol").
//!
//! In a lull, what streams the log goes on and may begin; what makes, changes or moves a slot is refused.

use crate::session::Refused;

use super::{inspect::Decision, refusal::Refusal};

/// What the startup parameter `replication` asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Sql,
    /// `replication=database`: commands and SQL, in the simple protocol only.
    LogicalReplication,
    /// `replication=true`: commands only.
    PhysicalReplication,
}

impl Kind {
    pub fn of(replication: Option<&[u8]>) -> Self {
        match replication.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"false" | b"off" | b"no" | b"0" | b"f" | b"n" | b"") => Self::Sql,
            Some(b"database") => Self::LogicalReplication,
            Some(_) => Self::PhysicalReplication,
        }
    }
}

/// The verdict on a replication command. None where the text is SQL.
pub(super) fn examine(text: &[u8], kind: Kind) -> Option<Decision> {
    let mut words = text
        .split(|b| b.is_ascii_whitespace() || matches!(b, b';' | b'('))
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match first.as_slice() {
        b"BASE_BACKUP" if !goes_to_client(text) => {
            Some(refused("BASE_BACKUP", "it writes files on the server"))
        }
        b"IDENTIFY_SYSTEM"
        | b"TIMELINE_HISTORY"
        | b"BASE_BACKUP"
        | b"READ_REPLICATION_SLOT"
        | b"UPLOAD_MANIFEST" => Some(Decision::Pass),
        b"SHOW" if kind == Kind::PhysicalReplication => Some(Decision::Pass),
        b"START_REPLICATION" => {
            let logical = words.any(|word| word.eq_ignore_ascii_case(b"LOGICAL"));
            Some(if logical {
                refused("START_REPLICATION LOGICAL", "moves a slot")
            } else {
                Decision::Pass
            })
        }
        b"CREATE_REPLICATION_SLOT" => Some(refused("CREATE_REPLICATION_SLOT", "makes a slot")),
        b"DROP_REPLICATION_SLOT" => Some(refused("DROP_REPLICATION_SLOT", "drops a slot")),
        b"ALTER_REPLICATION_SLOT" => Some(refused("ALTER_REPLICATION_SLOT", "changes a slot")),
        _ if kind == Kind::PhysicalReplication => Some(refused("this command", "is not known to only read")),
        _ => None,
    }
}

/// Whether every TARGET that a BASE_BACKUP names is the client, or nobody.
fn goes_to_client(text: &[u8]) -> bool {
    let text = text.to_ascii_uppercase();
    let named = text.windows(6).enumerate().filter(|(_, word)| word == b"TARGET");
    named.map(|(at, _)| at + 6).all(|behind| {
        let rest = text.get(behind..).unwrap_or_default();
        let value = rest
            .iter()
            .position(|b| !b.is_ascii_whitespace() && !matches!(b, b'\'' | b'"'));
        let value = rest.get(value.unwrap_or(rest.len())..).unwrap_or_default();
        value.starts_with(b"CLIENT") || value.starts_with(b"BLACKHOLE")
    })
}

fn refused(command: &'static str, why: &str) -> Decision {
    Decision::Refuse(Refusal::new(
        Refused::Leak,
        command,
        format!("It is refused because it {why}."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_streaming_passes_and_slots_do_not() {
        let verdict = |text: &str| examine(text.as_bytes(), Kind::PhysicalReplication);
        assert!(matches!(
            verdict("START_REPLICATION SLOT \"a\" 0/0 TIMELINE 1"),
            Some(Decision::Pass)
        ));
        assert!(matches!(
            verdict("CREATE_REPLICATION_SLOT a PHYSICAL"),
            Some(Decision::Refuse(_))
        ));
        assert!(matches!(
            verdict("create_replication_slot a PHYSICAL"),
            Some(Decision::Refuse(_))
        ));
        assert!(matches!(verdict("SELECT 1"), Some(Decision::Refuse(_))));
        let backup = |options: &str| verdict(&format!("BASE_BACKUP ( LABEL 'x', {options})"));
        assert!(matches!(backup("TARGET 'client'"), Some(Decision::Pass)));
        assert!(matches!(
            backup("TARGET'server',TARGET_DETAIL '/x'"),
            Some(Decision::Refuse(_))
        ));
        assert!(examine(b"SELECT 1", Kind::LogicalReplication).is_none());
    }
}

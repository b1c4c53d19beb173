//! The alarm behind the wall: command tags that no read-only transaction can have brought about.
//!
//! It cannot see everything (a temporary table takes an INSERT, and a routine has no tag of its own), so its silence
//! proves nothing. It must never sound: what sounds it is a hole in the guard.

/// Commands that the server refuses in a read-only transaction whatever they are about, and those that lull refuses.
const NEVER: [&[u8]; 17] = [
    b"ALTER",
    b"ANALYZE",
    b"CLUSTER",
    b"COMMENT",
    b"CREATE",
    b"DROP",
    b"GRANT",
    b"IMPORT",
    b"NOTIFY",
    b"REASSIGN",
    b"REFRESH",
    b"REINDEX",
    b"REPACK",
    b"REVOKE",
    b"SECURITY",
    b"TRUNCATE",
    b"VACUUM",
];

/// Whether the tag of a command that ran behind the guard tells of a write.
pub(super) fn tells(tag: &[u8]) -> bool {
    let word = tag.split(|&byte| byte == b' ').next().unwrap_or_default();
    let two_phase = matches!(
        tag,
        b"PREPARE TRANSACTION" | b"COMMIT PREPARED" | b"ROLLBACK PREPARED"
    );
    two_phase || NEVER.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_that_no_temporary_table_explains_sound_the_alarm() {
        for tag in [
            "CREATE TABLE",
            "TRUNCATE TABLE",
            "NOTIFY",
            "PREPARE TRANSACTION",
            "VACUUM",
        ] {
            assert!(tells(tag.as_bytes()), "{tag}");
        }
        for tag in [
            "SELECT 1",
            "INSERT 0 1",
            "PREPARE",
            "COMMIT",
            "CLOSE CURSOR",
            "DISCARD ALL",
            "CALL",
            "",
        ] {
            assert!(!tells(tag.as_bytes()), "{tag}");
        }
    }
}

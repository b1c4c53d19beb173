//! The functions that a read-only transaction lets through although they change the database, act on the server or
//! open another connection. Sorted by name; each has the reason that the client is told.
//!
//! Functions that the server refuses by itself (`nextval`, `setval`) are not here, nor are those that applications use
//! for reading and that only take a transaction id or a session lock (`txid_current`, `pg_advisory_lock`).

use Reason::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    LargeObject,
    Connection,
    Message,
    Slot,
    Origin,
    Wal,
    Statistics,
    Index,
    Heap,
    Catalog,
    Server,
    Counters,
    Session,
    File,
    Lock,
    Text,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            LargeObject => "it writes large objects or files, which a read-only transaction does not prevent",
            Connection => "it acts on another connection, which is not read-only",
            Message => "it sends messages to other sessions",
            Slot => "it changes replication slots",
            Origin => "it changes replication origins",
            Wal => "it writes to the write-ahead log",
            Statistics => "it changes planner statistics",
            Index => "it changes index storage",
            Heap => "it changes table storage",
            Catalog => "it changes system catalogs",
            Server => "it acts on the whole server",
            Counters => "it resets the server's counters",
            Session => "it ends other sessions",
            File => "it changes files on the server",
            Lock => "it takes locks that block the maintenance",
            Text => "it runs SQL text that cannot be inspected",
        }
    }
}

/// The reason for refusing a call of the function with this name (as the catalogs have it), if it is refused.
pub fn refused_function(name: &[u8]) -> Option<&'static str> {
    let at = REFUSED.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
    if let Some((_, reason)) = at.ok().and_then(|at| REFUSED.get(at)) {
        return Some(reason.text());
    }
    // All of dblink goes to another connection, and contrib modules grow.
    if name.starts_with(b"dblink") {
        return Some(Connection.text());
    }
    name.starts_with(b"pg_stat_reset").then_some(Counters.text())
}

/// The same for a FunctionCall message, whose arguments are not looked at: functions that run SQL text or change
/// settings are refused too.
pub fn refused_function_call(name: &[u8]) -> Option<&'static str> {
    if name == b"set_config" {
        return Some("it changes settings");
    }
    refused_function(name).or_else(|| runs_text(name).map(|_| UNREADABLE_TEXT))
}

/// Functions that take or give back a lock which outlives its transaction.
pub(super) fn locks_for_the_session(name: &[u8]) -> bool {
    [
        &b"pg_advisory_lock"[..],
        b"pg_try_advisory_lock",
        b"pg_advisory_unlock",
    ]
    .iter()
    .any(|family| name.starts_with(family))
}

/// Where a function that runs SQL text has that text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SqlArgument {
    First,
    /// The first argument, and the second if there is one and it is a constant.
    FirstTwo,
    /// The last of two; with three arguments it runs nothing.
    LastOfTwo,
}

/// Functions that run a text which they are given, read-only: fine if the text is a constant that reads.
pub(super) fn runs_text(name: &[u8]) -> Option<SqlArgument> {
    match name {
        b"query_to_xml" | b"query_to_xml_and_xmlschema" | b"query_to_xmlschema" | b"ts_stat" => {
            Some(SqlArgument::First)
        }
        b"ts_rewrite" => Some(SqlArgument::LastOfTwo),
        _ if name.starts_with(b"crosstab") => Some(SqlArgument::FirstTwo),
        _ => None,
    }
}

/// Functions that read relations which they find by themselves or are given by name.
pub(super) fn reads_by_name(name: &[u8]) -> bool {
    [
        &b"table_to_xml"[..],
        b"schema_to_xml",
        b"database_to_xml",
        b"pg_input_is_valid",
        b"pg_input_error_info",
    ]
    .iter()
    .any(|known| name.starts_with(known))
}

pub(super) const UNREADABLE_TEXT: &str = Text.text();

#[rustfmt::skip]
const REFUSED: &[(&str, Reason)] = &[
    ("autoprewarm_dump_now", File),
    ("autoprewarm_start_worker", Server),
    ("brin_desummarize_range", Index),
    ("brin_summarize_new_values", Index),
    ("brin_summarize_range", Index),
    ("bt_index_parent_check", Lock),
    ("connectby", Text),
    ("gin_clean_pending_list", Index),
    ("heap_force_freeze", Heap),
    ("heap_force_kill", Heap),
    ("lo_creat", LargeObject),
    ("lo_create", LargeObject),
    ("lo_export", LargeObject),
    ("lo_from_bytea", LargeObject),
    ("lo_import", LargeObject),
    ("lo_import_with_oid", LargeObject),
    ("lo_put", LargeObject),
    ("lo_truncate", LargeObject),
    ("lo_truncate64", LargeObject),
    ("lo_unlink", LargeObject),
    ("lo_write", LargeObject),
    ("lowrite", LargeObject),
    ("pg_backup_start", Server),
    ("pg_backup_stop", Server),
    ("pg_buffercache_evict", Server),
    ("pg_buffercache_evict_all", Server),
    ("pg_buffercache_evict_relation", Server),
    ("pg_buffercache_mark_dirty", Server),
    ("pg_buffercache_mark_dirty_all", Server),
    ("pg_buffercache_mark_dirty_relation", Server),
    ("pg_clear_attribute_stats", Statistics),
    ("pg_clear_extended_stats", Statistics),
    ("pg_clear_relation_stats", Statistics),
    ("pg_copy_logical_replication_slot", Slot),
    ("pg_copy_physical_replication_slot", Slot),
    ("pg_create_logical_replication_slot", Slot),
    ("pg_create_physical_replication_slot", Slot),
    ("pg_create_restore_point", Wal),
    ("pg_disable_data_checksums", Server),
    ("pg_drop_replication_slot", Slot),
    ("pg_enable_data_checksums", Server),
    ("pg_file_rename", File),
    ("pg_file_sync", File),
    ("pg_file_unlink", File),
    ("pg_file_write", File),
    ("pg_import_system_collations", Catalog),
    ("pg_log_backend_memory_contexts", Server),
    ("pg_log_standby_snapshot", Wal),
    ("pg_logfile_rotate", Server),
    ("pg_logical_emit_message", Wal),
    ("pg_logical_slot_get_binary_changes", Slot),
    ("pg_logical_slot_get_changes", Slot),
    ("pg_logical_slot_peek_binary_changes", Slot),
    ("pg_logical_slot_peek_changes", Slot),
    ("pg_nextoid", Catalog),
    ("pg_notify", Message),
    ("pg_promote", Server),
    ("pg_reload_conf", Server),
    ("pg_replication_origin_advance", Origin),
    ("pg_replication_origin_create", Origin),
    ("pg_replication_origin_drop", Origin),
    ("pg_replication_origin_session_reset", Origin),
    ("pg_replication_origin_session_setup", Origin),
    ("pg_replication_origin_xact_reset", Origin),
    ("pg_replication_origin_xact_setup", Origin),
    ("pg_replication_slot_advance", Slot),
    ("pg_restore_attribute_stats", Statistics),
    ("pg_restore_extended_stats", Statistics),
    ("pg_restore_relation_stats", Statistics),
    ("pg_rotate_logfile", Server),
    ("pg_rotate_logfile_old", Server),
    ("pg_set_attribute_stats", Statistics),
    ("pg_set_relation_stats", Statistics),
    ("pg_start_backup", Server),
    ("pg_stat_statements_reset", Counters),
    ("pg_stop_backup", Server),
    ("pg_stop_making_pinned_objects", Catalog),
    ("pg_switch_wal", Wal),
    ("pg_sync_replication_slots", Slot),
    ("pg_terminate_backend", Session),
    ("pg_truncate_visibility_map", Heap),
    ("pg_wal_replay_pause", Server),
    ("pg_wal_replay_resume", Server),
    ("xpath_table", Text),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(REFUSED.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)));
    }

    #[test]
    fn reading_functions_stay_allowed() {
        for name in [
            "txid_current",
            "pg_advisory_lock",
            "pg_cancel_backend",
            "lo_get",
            "loread",
            "nextval",
            "pg_stat_get_wal",
        ] {
            assert_eq!(refused_function(name.as_bytes()), None, "{name}");
        }
        assert!(refused_function(b"dblink_exec").is_some());
        assert!(refused_function(b"pg_stat_reset_slru").is_some());
    }
}

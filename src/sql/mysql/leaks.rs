//! The functions that a read-only session can call although they act on the server, on files or over another
//! connection. All are loadable: which ones exist depends on the server's plugins and components.
//!
//! Not here: what applications use for reading and what only the session itself feels (GET_LOCK, SLEEP).

use super::names;

/// The reason for refusing a call of the function with this name, if it is refused. The name may have accents.
pub(super) fn refused_function(written: &[u8]) -> Option<&'static str> {
    const SERVER: &str = "it acts on the whole server";
    const CONNECTION: &str = "it acts on another connection, which is not read-only";
    const PROGRAM: &str = "it runs programs on the server";
    const REFUSED: &[(&str, &str)] = &[
        ("asynchronous_connection_failover_", SERVER),
        ("audit_log_", SERVER),
        ("group_replication_", SERVER),
        ("keyring_key_", SERVER),
        ("lib_mysqludf_", PROGRAM),
        ("masking_dictionar", SERVER),
        ("mroonga_command", SERVER),
        ("mysql_firewall_", SERVER),
        ("read_firewall_", SERVER),
        ("rotate_system_key", SERVER),
        ("set_firewall_mode", SERVER),
        ("spider_", CONNECTION),
        ("sys_eval", PROGRAM),
        ("sys_exec", PROGRAM),
        ("sys_set", PROGRAM),
        ("version_tokens_", SERVER),
        ("wsrep_", SERVER),
    ];
    // Loadable functions are looked up without accents too.
    let begins = |name: &str| match written.is_ascii() {
        true => written
            .get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes())),
        false => names::may_begin_with(written, name.as_bytes()),
    };
    let found = REFUSED.iter().find(|(name, _)| begins(name));
    found.map(|&(_, reason)| reason)
}

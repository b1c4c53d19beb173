//! Where the admin socket and the state are when nobody says so. The server and the command line ask here, so that
//! they find each other.

use std::{env, os::unix::fs::MetadataExt, path::PathBuf};

const SYSTEM_RUN: &str = "/run/lull/admin.sock";
const SYSTEM_STATE: &str = "/var/lib/lull";

/// `/var/lib/lull` for root, else below `$XDG_STATE_HOME` or `~/.local/state`.
pub fn default_state_dir() -> PathBuf {
    let home = || set("HOME").map(|home| home.join(".local/state"));
    match set("XDG_STATE_HOME").or_else(home) {
        Some(state) if !is_root() => state.join("lull"),
        _ => PathBuf::from(SYSTEM_STATE),
    }
}

/// Where `lull serve` puts its admin socket.
pub fn default_admin_socket() -> PathBuf {
    match user_run() {
        _ if is_root() => PathBuf::from(SYSTEM_RUN),
        Some(socket) => socket,
        None => default_state_dir().join("admin.sock"),
    }
}

/// Where the command line looks for a running lull, in this order.
pub fn admin_candidates() -> Vec<PathBuf> {
    let mut candidates = vec![default_admin_socket()];
    let others = user_run()
        .into_iter()
        .chain([PathBuf::from(SYSTEM_RUN), default_state_dir().join("admin.sock")]);
    for other in others {
        if !candidates.contains(&other) {
            candidates.push(other);
        }
    }
    candidates
}

fn user_run() -> Option<PathBuf> {
    set("XDG_RUNTIME_DIR").map(|dir| dir.join("lull/admin.sock"))
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

//! The open lulls on disk, and which primaries are elsewhere than is written.
//!
//! Guarantees that a view that was saved is read back whole after any crash (written beside, synced, renamed, the
//! directory synced), and that what cannot be read is an error: it never means that no lull is open. One process at a
//! time owns a directory.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{config::Repoints, gate::View};

const FILE: &str = "lulls.json";
const VERSION: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(
        "the state directory {path} cannot be used: {source}. lull keeps open lulls there; see that it exists and is writable ([state] dir)"
    )]
    Unusable { path: PathBuf, source: io::Error },
    #[error("another lull uses the state directory {0}; stop it, or give each its own ([state] dir)")]
    Taken(PathBuf),
    #[error(
        "the state file {path} cannot be read: {why}. A lull may have been open when it was written: restore the file, or delete it if you know that no lull has to be open"
    )]
    Damaged { path: PathBuf, why: String },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    view: View,
    #[serde(default, skip_serializing_if = "Repoints::is_empty")]
    primaries: Repoints,
}

/// What an earlier process left.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) view: View,
    pub(super) repoints: Repoints,
}

#[derive(Debug)]
pub(super) struct State {
    dir: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl State {
    /// Takes the directory and reads what an earlier process left there.
    pub(super) fn open(dir: &Path) -> Result<(Self, Kept), StateError> {
        let unusable = |source| StateError::Unusable {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(unusable)?;
        let lock = File::create(dir.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StateError::Taken(dir.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let state = Self {
            dir: dir.to_owned(),
            _lock: lock,
        };
        let kept = state.read()?;
        // A directory that cannot be written is found out now, and not when a lull must open.
        state.save(&kept.view, &kept.repoints)?;
        Ok((state, kept))
    }

    fn read(&self) -> Result<Kept, StateError> {
        let path = self.dir.join(FILE);
        let damaged = |why: String| StateError::Damaged {
            path: path.clone(),
            why,
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(damaged(error.to_string())),
        };
        let written: Written = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        match written.version {
            VERSION => Ok(Kept {
                view: written.view,
                repoints: written.primaries,
            }),
            other => Err(damaged(format!(
                "it has version {other}, and this lull knows {VERSION}"
            ))),
        }
    }

    /// Returns when it is on disk.
    pub(super) fn save(&self, view: &View, repoints: &Repoints) -> Result<(), StateError> {
        let written = Written {
            version: VERSION,
            view: view.clone(),
            primaries: repoints.clone(),
        };
        let save = || -> io::Result<()> {
            let beside = self.dir.join("lulls.json.new");
            let mut file = File::create(&beside)?;
            file.write_all(&serde_json::to_vec_pretty(&written)?)?;
            file.sync_all()?;
            fs::rename(&beside, self.dir.join(FILE))?;
            File::open(&self.dir)?.sync_all()
        };
        save().map_err(|source| StateError::Unusable {
            path: self.dir.clone(),
            source,
        })
    }
}

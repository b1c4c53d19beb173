//! Where things are: what `tests/env/install.sh` brought, and scratch directories.
//!
//! A variable of the environment wins over the line in `build/env`. A scratch directory is removed on drop, and when the
//! test process dies.

use super::undertaker::Undertaker;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// The value of a name that `tests/env/install.sh` wrote to `build/env`.
pub fn installed(name: &str) -> String {
    static WRITTEN: OnceLock<HashMap<String, String>> = OnceLock::new();
    if let Ok(value) = std::env::var(name) {
        return value;
    }
    let written = WRITTEN.get_or_init(|| {
        let text = fs::read_to_string(project("build/env")).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect()
    });
    written
        .get(name)
        .unwrap_or_else(|| panic!("{name} is not known; run tests/env/install.sh"))
        .clone()
}

/// A path inside the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The account under which database servers run: root's place is taken by an ordinary user, for PostgreSQL refuses root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Who runs this test.
    pub fn own() -> Self {
        let me = fs::metadata("/proc/self").expect("/proc is mounted");
        Self {
            uid: me.uid(),
            gid: me.gid(),
        }
    }

    /// Who runs the servers.
    pub fn of_servers() -> Self {
        static ACCOUNT: OnceLock<Account> = OnceLock::new();
        *ACCOUNT.get_or_init(|| {
            let own = Self::own();
            if own.uid != 0 {
                return own;
            }
            let user = installed("LULL_PG_USER");
            let number = |what: &str| {
                let output = Command::new("id").args([what, &user]).output().expect("id runs");
                String::from_utf8_lossy(&output.stdout)
                    .trim()
                    .parse()
                    .expect("id prints a number")
            };
            Self {
                uid: number("-u"),
                gid: number("-g"),
            }
        })
    }

    /// Gives a file or directory to this account.
    pub fn own_path(self, path: &Path) {
        if self != Self::own() {
            chown(path, Some(self.uid), Some(self.gid)).expect("root may give files away");
        }
    }
}

/// A directory of its own in the temporary directory, for one process; short enough a path for Unix sockets.
#[derive(Debug)]
pub struct Scratch {
    pub path: PathBuf,
    undertaker: Mutex<Undertaker>,
}

impl Scratch {
    pub fn new(purpose: &str, owner: Account) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("lull-{purpose}-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("the temporary directory is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("own directory");
        owner.own_path(&path);
        let undertaker = Mutex::new(Undertaker::of(&path, owner));
        Self { path, undertaker }
    }

    /// The process that lives here, and the signal that ends it should this process die.
    pub fn watch(&self, pid: u32, signal: &str) {
        self.undertaker.lock().expect("not poisoned").watch(pid, signal);
    }

    /// No process lives here any more.
    pub fn unwatch(&self) {
        self.undertaker.lock().expect("not poisoned").gone();
    }

    /// Writes a file inside, for `owner`'s eyes only.
    pub fn write(&self, name: &str, text: &str, owner: Account) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, text).expect("scratch is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("own file");
        owner.own_path(&path);
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

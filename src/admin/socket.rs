//! The place of the admin socket in the file system.
//!
//! Guarantees that one lull at a time has it (a lock file says so, which the kernel releases when the process ends),
//! that nobody but its owner can connect, and that at no moment a path leads to a socket with wider permissions.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

/// So that `psql -h DIRECTORY` finds it.
const PSQL_NAME: &str = ".s.PGSQL.5432";

#[derive(Debug)]
pub struct AdminSocket {
    pub(super) listeners: Vec<UnixListener>,
    paths: Vec<PathBuf>,
    // Held as long as the socket is.
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("another lull is running with the admin socket {}: stop it, or give this one another --admin", .0.display())]
    Taken(PathBuf),
    #[error("{} is there already and is no socket that a lull left behind: remove it, or give another --admin", .0.display())]
    Foreign(PathBuf),
    #[error("cannot make the admin socket {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl AdminSocket {
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| SocketError::Io { path, source }
        };
        let directory = path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(at(path))?;
        let lock_path = beside(path, ".lock");
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path);
        let lock = lock.map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SocketError::Taken(path.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(at(&lock_path)(source)),
        }
        let mut socket = Self {
            listeners: Vec::new(),
            paths: Vec::new(),
            _lock: lock,
        };
        socket.add(path)?;
        let psql = directory.join(PSQL_NAME);
        if psql != path {
            // A PostgreSQL server may have this very directory: then psql reaches that one, and lull goes on.
            match socket.add(&psql) {
                Ok(()) => {}
                Err(why) => tracing::warn!("psql cannot use {} as its host: {why}", directory.display()),
            }
        }
        Ok(socket)
    }

    fn add(&mut self, path: &Path) -> Result<(), SocketError> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => return Err(SocketError::Foreign(path.to_owned())),
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(SocketError::Taken(path.to_owned())),
            // Left behind by a lull that was killed: replaced below.
            Ok(_) | Err(_) => {}
        }
        let listener = bind_private(path).map_err(|source| SocketError::Io {
            path: path.to_owned(),
            source,
        })?;
        self.listeners.push(listener);
        self.paths.push(path.to_owned());
        Ok(())
    }
}

/// Under another name first: the final one appears with its permissions.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let unborn = beside(path, ".new");
    let _ = fs::remove_file(&unborn);
    let listener = UnixListener::bind(&unborn)?;
    listener.set_nonblocking(true)?;
    let born =
        fs::set_permissions(&unborn, Permissions::from_mode(0o600)).and_then(|()| fs::rename(&unborn, path));
    if born.is_err() {
        let _ = fs::remove_file(&unborn);
    }
    born.map(|()| listener)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // The lock is still held: nobody else's socket can be there.
        for path in &self.paths {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("lull-socket-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_private_has_psqls_name_too_and_leaves_nothing_behind() {
        let dir = directory("private");
        let path = dir.join("admin.sock");
        let socket = AdminSocket::bind(&path).unwrap();
        assert_eq!(
            (mode(&dir), mode(&path), mode(&dir.join(PSQL_NAME))),
            (0o700, 0o600, 0o600)
        );
        drop(socket);
        assert!(!path.exists() && !dir.join(PSQL_NAME).exists());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_second_lull_is_refused_and_a_dead_ones_socket_is_replaced() {
        let dir = directory("second");
        let path = dir.join("admin.sock");
        let first = AdminSocket::bind(&path).unwrap();
        assert!(matches!(AdminSocket::bind(&path), Err(SocketError::Taken(_))));
        drop(first);
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let again = AdminSocket::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(again);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let dir = directory("foreign");
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("admin.sock");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(AdminSocket::bind(&path), Err(SocketError::Foreign(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_dir_all(dir).unwrap();
    }
}

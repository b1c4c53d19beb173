//! What lull knows of passwords, from the files that the configuration names.
//!
//! Guarantees that a file which cannot be used, or which others can read, stops the start, or the reload, and not the
//! first login; and that no error shows what is in one.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use super::tally::Asked;
use crate::{
    auth::{Means, Secret, Userlist, Verifier, scram},
    config::{Cluster, Protocol, Service},
    fault::Fault,
};

/// What is wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("secrets of cluster {cluster}: {what}")]
pub struct SecretsError {
    cluster: String,
    what: String,
}

/// A file of secrets is small. One that is not is something else.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Strangers must not make lull read its file without end.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Verifiers made of passwords that are kept as they are.
const MADE_MAX: usize = 10_000;

pub(super) struct Secrets {
    cluster: Arc<Cluster>,
    users: ArcSwap<Userlist>,
    read_at: Mutex<Instant>,
    service: Option<Means>,
    /// By user: making one costs as much as guessing a password.
    made: Mutex<HashMap<String, (Secret, scram::Verifier)>>,
}

impl Secrets {
    pub(super) fn load(cluster: &Arc<Cluster>) -> Result<Self, SecretsError> {
        let failed = |what| SecretsError {
            cluster: cluster.name.clone(),
            what,
        };
        let file = cluster.auth.users_file.as_deref();
        let users = file.map(|file| users(file, cluster.protocol)).transpose();
        let service = cluster.service.as_ref().and_then(service).transpose();
        Ok(Self {
            cluster: Arc::clone(cluster),
            users: ArcSwap::from_pointee(users.map_err(failed)?.unwrap_or_default()),
            read_at: Mutex::new(Instant::now()),
            service: service.map_err(failed)?,
            made: Mutex::default(),
        })
    }

    /// How lull can log in as a user without that user's help.
    pub(super) fn means(&self, user: &str) -> Option<Means> {
        let from_file = self.users.load().get(user).and_then(Verifier::means);
        from_file.or_else(|| self.cluster.auth.peer.then_some(Means::Trust))
    }

    /// Against what a client that claims to be a user proves it.
    pub(super) fn verifier(&self, user: &str) -> Option<Verifier> {
        self.users.load().get(user).cloned()
    }

    /// How lull's own account logs in: by its password file, or as any other user.
    pub(super) fn service(&self) -> Option<(&Service, Means)> {
        let service = self.cluster.service.as_ref()?;
        let own = self.service.clone().or_else(|| self.means(&service.user));
        Some((service, own.unwrap_or(Means::Trust)))
    }

    /// What users of the file are asked for. None: it has none.
    pub(super) fn asked(&self) -> Option<Asked> {
        let users = self.users.load();
        let asked = users.verifiers().map(Asked::of);
        asked.max_by_key(|asked| asked.rank())
    }

    /// After a secret has turned out to be wrong. A file that cannot be read leaves what there was.
    pub(super) async fn read_again(&self) {
        let Some(path) = self.cluster.auth.users_file.clone() else {
            return;
        };
        {
            let mut read_at = lock(&self.read_at);
            if read_at.elapsed() < READ_AGAIN_AFTER {
                return;
            }
            *read_at = Instant::now();
        }
        let (cluster, protocol) = (&self.cluster.name, self.cluster.protocol);
        match tokio::task::spawn_blocking(move || users(&path, protocol)).await {
            Ok(Ok(read)) => {
                self.users.store(Arc::new(read));
                tracing::debug!(cluster, "users_file is read again");
            }
            Ok(Err(why)) => tracing::warn!(cluster, "users_file cannot be read again: {why}"),
            Err(ended) => tracing::warn!(cluster, "users_file cannot be read again: {ended}"),
        }
    }

    /// A SCRAM verifier of a password that is kept as it is.
    pub(super) async fn made_of(
        &self,
        password: &Secret,
        user: &str,
        process_secret: &Secret,
    ) -> Result<scram::Verifier, Fault> {
        if let Some((of, made)) = lock(&self.made).get(user)
            && of == password
        {
            return Ok(made.clone());
        }
        let (kept, name, process_secret) = (password.clone(), user.to_owned(), process_secret.clone());
        // It takes a millisecond or more, in which the worker has other sessions to serve.
        let made = tokio::task::spawn_blocking(move || {
            scram::Verifier::of_plain(kept.expose(), &name, &process_secret)
        });
        let made = made.await.map_err(Fault::proxy)?;
        let made = made.ok_or_else(|| Fault::proxy("no SCRAM verifier could be made of a password"))?;
        let mut all = lock(&self.made);
        if all.len() >= MADE_MAX {
            all.clear();
        }
        all.insert(user.to_owned(), (password.clone(), made.clone()));
        Ok(made)
    }
}

impl Asked {
    pub(super) fn of(verifier: &Verifier) -> Self {
        match verifier {
            Verifier::Md5(_) => Self::Md5,
            Verifier::Scram(verifier) => Self::Scram(verifier.iterations()),
            Verifier::Native(_) => Self::Native,
            Verifier::Sha2(_) => Self::Sha2,
            Verifier::Plain(_) => Self::Plain,
        }
    }

    /// Where users are asked in several ways, strangers are in the best of them.
    fn rank(self) -> u8 {
        match self {
            Self::Md5 | Self::Native => 0,
            Self::Plain => 1,
            Self::Scram(_) | Self::Sha2 => 2,
        }
    }
}

/// A thread that panicked has left nothing half done behind these locks.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn users(path: &Path, protocol: Protocol) -> Result<Userlist, String> {
    let text = read(path)?;
    let verifier = match protocol {
        Protocol::PostgreSql => Verifier::read,
        Protocol::MySql => Verifier::read_mysql,
    };
    Userlist::read(&text, verifier).map_err(|error| format!("{}: {error}", path.display()))
}

fn service(service: &Service) -> Option<Result<Means, String>> {
    service.password_file.as_deref().map(password)
}

/// A file with one line.
fn password(path: &Path) -> Result<Means, String> {
    let text = read(path)?;
    let password = text.strip_suffix(b"\n").unwrap_or(&text);
    let password = password.strip_suffix(b"\r").unwrap_or(password);
    if password.is_empty() {
        return Err(format!("{}: it is empty; expected a password", path.display()));
    }
    Ok(Means::Password(Secret::new(password)))
}

/// A file of secrets, if nobody else can read it.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let failed = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let is = file.metadata().map_err(|error| failed(error.to_string()))?;
    let mode = is.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(failed(format!(
            "others can read or write it (mode {mode:o}); make that 600, or 640 with a group of its own"
        )));
    }
    if !is.is_file() || is.len() > FILE_BYTES_MAX {
        return Err(failed(format!("no file of at most {FILE_BYTES_MAX} bytes")));
    }
    // Of its full size at once: a vector that grows leaves its old copy behind.
    let bytes = usize::try_from(is.len()).unwrap_or_default() + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(bytes));
    let mut limited = file.take(is.len());
    limited
        .read_to_end(&mut text)
        .map_err(|error| failed(error.to_string()))?;
    Ok(text)
}

/// Whether the files of secrets of a cluster can be used: which, and what is in it or wrong with it.
pub fn check_secrets(cluster: &Cluster) -> Vec<(String, Result<String, String>)> {
    let mut checked = Vec::new();
    if let Some(path) = &cluster.auth.users_file {
        let read = users(path, cluster.protocol).map(|users| format!("{} users", users.len()));
        checked.push((format!("users_file {}", path.display()), read));
    }
    let service = cluster.service.as_ref();
    if let Some(path) = service.and_then(|service| service.password_file.as_deref()) {
        let read = password(path).map(|_| "a password".to_owned());
        checked.push((format!("password_file {}", path.display()), read));
    }
    checked
}

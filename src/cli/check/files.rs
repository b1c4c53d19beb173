//! The state directory, certificates and keys.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{Finding, Level};
use crate::{config::Cluster, telemetry::expiry};

/// Long enough to get a new certificate without haste.
const EXPIRY_WARNING_S: i64 = 21 * 24 * 3600;

pub(super) fn state(dir: &Path) -> Finding {
    let subject = format!("state directory {}", dir.display());
    // lull makes it when it starts.
    let Some(existing) = dir.ancestors().find(|dir| dir.exists()) else {
        return Finding::new(Level::Fail, subject, "no part of this path exists");
    };
    match writable(existing) {
        Err(why) => Finding::new(
            Level::Fail,
            subject,
            format!("cannot write in {}: {why}", existing.display()),
        ),
        Ok(()) if existing == dir => Finding::new(Level::Ok, subject, "writable"),
        Ok(()) => Finding::new(Level::Ok, subject, "does not exist yet and can be made"),
    }
}

pub(super) fn writable(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".lull-check-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

pub(super) fn tls(cluster: &Cluster) -> Vec<Finding> {
    let name = &cluster.name;
    let mut findings = Vec::new();
    if let (Some(cert), Some(key)) = (&cluster.client_tls.cert, &cluster.client_tls.key) {
        findings.push(pair(name, cert, key));
        findings.extend(key_permissions(name, key));
    }
    let cas = [
        ("client_ca", &cluster.client_tls.client_ca),
        ("primary_ca", &cluster.primary.tls.ca),
    ];
    for (key, ca) in cas {
        if let Some(ca) = ca {
            let read = certificates(ca).map(|found| format!("{} certificates", found.len()));
            findings.push(Finding::from(format!("{name}: {key} {}", ca.display()), read));
        }
    }
    findings
}

fn pair(name: &str, cert: &Path, key: &Path) -> Finding {
    let subject = format!("{name}: certificate {}", cert.display());
    match usable(cert, key) {
        Err(why) => Finding::new(Level::Fail, subject, why),
        Ok(None) => Finding::new(Level::Ok, subject, "goes with its key"),
        Ok(Some(expires)) => {
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default();
            let left = expires.saturating_sub(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
            let days = left / (24 * 3600);
            match left {
                ..=0 => Finding::new(Level::Fail, subject, "it has expired"),
                1..EXPIRY_WARNING_S => {
                    Finding::new(Level::Warn, subject, format!("it expires in {days} days"))
                }
                _ => Finding::new(
                    Level::Ok,
                    subject,
                    format!("goes with its key, valid for {days} days"),
                ),
            }
        }
    }
}

/// When it expires, where that can be read.
fn usable(cert: &Path, key: &Path) -> Result<Option<i64>, String> {
    let chain = certificates(cert)?;
    let expires = chain.first().and_then(|cert| expiry::not_after_unix_s(cert));
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|why| {
        format!(
            "the key {} cannot be read: {why}; expected one private key in PEM",
            key.display()
        )
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let server = versions
        .map_err(|why| why.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key_der);
    server
        .map(|_| expires)
        .map_err(|why| format!("it does not go with the key {}: {why}", key.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err("it holds no certificate; expected PEM".to_owned()),
        Ok(found) => Ok(found),
        Err(why) => Err(format!("cannot be read: {why}; expected PEM")),
    }
}

fn key_permissions(name: &str, key: &PathBuf) -> Option<Finding> {
    let mode = fs::metadata(key).ok()?.permissions().mode();
    let text = format!(
        "others can read it (mode {:o}); make that 600, or 640 with a group of its own",
        mode & 0o777
    );
    (mode & 0o007 != 0).then(|| Finding::new(Level::Warn, format!("{name}: key {}", key.display()), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_must_be_writable_or_possible_to_make() {
        let dir = std::env::temp_dir();
        assert_eq!(state(&dir).level, Level::Ok);
        assert_eq!(
            state(&dir.join("lull-check/not/yet")).text,
            "does not exist yet and can be made"
        );
        assert_eq!(state(Path::new("/proc/lull")).level, Level::Fail);
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_said_to_be_none() {
        assert!(
            certificates(Path::new("/dev/null"))
                .unwrap_err()
                .contains("no certificate")
        );
        assert!(
            certificates(Path::new("/nowhere"))
                .unwrap_err()
                .contains("cannot be read")
        );
    }
}

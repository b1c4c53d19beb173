//! Certificates for loopback, made on the spot with the `openssl` command, and a raw client inside TLS.

use super::places::{Account, Scratch};
use super::{PATIENCE, Wire, frames};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A self-signed certificate for `localhost` and `127.0.0.1`; the certificate is its own authority.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one in `scratch`, named `NAME.crt` and `NAME.key`, readable for `owner`.
    pub fn make(scratch: &Scratch, name: &str, owner: Account) -> Self {
        let cert = scratch.path.join(format!("{name}.crt"));
        let key = scratch.path.join(format!("{name}.key"));
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-nodes",
                "-days",
                "30",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "openssl: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        owner.own_path(&cert);
        owner.own_path(&key);
        Self { cert, key }
    }
}

/// How a client comes to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiation {
    /// SSLRequest first.
    Asked,
    /// TLS from the first byte, with ALPN `postgresql` (servers from 17 on).
    Direct,
}

/// A raw client inside TLS that trusts exactly this certificate; nothing has been said inside yet.
pub fn connect(address: SocketAddr, certificate: &Path, negotiation: Negotiation) -> io::Result<Wire> {
    let pem = std::fs::read(certificate)?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.map_err(io::Error::other)?)
            .map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let mut tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    tcp.set_nodelay(true)?;
    if negotiation == Negotiation::Asked {
        tcp.write_all(&frames::ssl_request())?;
        let mut answer = [0];
        tcp.read_exact(&mut answer)?;
        if answer != [b'S'] {
            return Err(io::Error::other(format!(
                "SSLRequest was answered with {answer:?}"
            )));
        }
    }
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let session = rustls::ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = rustls::StreamOwned::new(session, tcp);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(Wire::over(stream))
}

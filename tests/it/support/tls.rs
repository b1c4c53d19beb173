//! Certificates for loopback, made on the spot with the `openssl` command, and a raw client inside TLS.

use super::places::{Account, Scratch};
use super::{PATIENCE, Wire, frames};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
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
    /// The same by a client that does not know ALPN.
    AskedWithoutAlpn,
    /// GSSENCRequest, which must be declined, and then SSLRequest.
    AskedForGssFirst,
    /// SSLRequest with a whole startup message behind it in clear, as somebody in between might add it.
    AskedWithBytesBehind,
    /// TLS from the first byte, with ALPN `postgresql` (servers from 17 on).
    Direct,
    /// Which no server accepts.
    DirectWithoutAlpn,
}

/// What is sent in clear, and how it must be answered.
type Request = (fn() -> Vec<u8>, u8);

impl Negotiation {
    fn requests(self) -> &'static [Request] {
        match self {
            Self::Asked | Self::AskedWithoutAlpn => &[(frames::ssl_request, b'S')],
            Self::AskedForGssFirst => &[(frames::gssenc_request, b'N'), (frames::ssl_request, b'S')],
            Self::AskedWithBytesBehind => &[(stuffed, b'S')],
            Self::Direct | Self::DirectWithoutAlpn => &[],
        }
    }

    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::AskedWithoutAlpn | Self::DirectWithoutAlpn => Vec::new(),
            _ => vec![b"postgresql".to_vec()],
        }
    }
}

fn stuffed() -> Vec<u8> {
    let who = [("user", "app"), ("database", "postgres")];
    [frames::ssl_request(), frames::startup(frames::PROTOCOL_3_0, &who)].concat()
}

/// A raw client inside TLS that trusts exactly this certificate; nothing has been said inside yet.
pub fn connect(address: SocketAddr, certificate: &Path, negotiation: Negotiation) -> io::Result<Wire> {
    connect_showing(address, certificate, negotiation, None)
}

/// The same with a certificate of its own to show.
pub fn connect_showing(
    address: SocketAddr,
    certificate: &Path,
    negotiation: Negotiation,
    shown: Option<&Certificate>,
) -> io::Result<Wire> {
    let mut tcp = TcpStream::connect_timeout(&address, PATIENCE)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    tcp.set_nodelay(true)?;
    for (request, expected) in negotiation.requests() {
        tcp.write_all(&request())?;
        let mut answer = [0];
        tcp.read_exact(&mut answer)?;
        if answer != [*expected] {
            return Err(io::Error::other(format!(
                "a request was answered with {answer:?}"
            )));
        }
    }
    Ok(Wire::over(secure(tcp, certificate, negotiation.alpn(), shown)?))
}

/// TLS on a connection, trusting exactly this certificate.
pub fn secure(
    tcp: TcpStream,
    certificate: &Path,
    alpn: Vec<Vec<u8>>,
    shown: Option<&Certificate>,
) -> io::Result<rustls::StreamOwned<rustls::ClientConnection, TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in read(certificate)? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_file(&shown.key).map_err(io::Error::other)?;
            builder
                .with_client_auth_cert(read(&shown.cert)?, key)
                .map_err(io::Error::other)?
        }
    };
    config.alpn_protocols = alpn;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let session = rustls::ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = rustls::StreamOwned::new(session, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn read(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
    certificates
        .map(|certificate| certificate.map_err(io::Error::other))
        .collect()
}

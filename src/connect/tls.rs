//! TLS for both legs, from the files that the configuration names.
//!
//! Guarantees that a certificate that cannot be used stops the start, or the reload, and not the first login.

use std::{fmt, path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    server::WebPkiClientVerifier,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

use crate::{
    auth::binding,
    config::{ClientTls, ClientTlsMode, Cluster, Protocol, SslMode, UpstreamTls},
    telemetry::expiry,
};

/// What PostgreSQL asks for in direct TLS (manual: "SSL Session Encryption").
pub(super) const ALPN: &[u8] = b"postgresql";

pub(super) struct Tls {
    pub(super) for_clients: Option<Arc<ServerConfig>>,
    pub(super) for_upstream: Option<Arc<ClientConfig>>,
    /// The same for lull's own account, which may show a certificate.
    pub(super) for_service: Option<Arc<ClientConfig>>,
    /// What clients can bind their login to.
    pub(super) end_point: Option<Vec<u8>>,
    /// The end of the certificate that clients see.
    pub(super) expires_unix_s: Option<i64>,
}

/// What is wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("TLS of cluster {cluster}: {what}")]
pub struct TlsError {
    cluster: String,
    what: String,
}

impl Tls {
    pub(super) fn load(cluster: &Cluster) -> Result<Self, TlsError> {
        let failed = |what: String| TlsError {
            cluster: cluster.name.clone(),
            what,
        };
        let for_clients = match cluster.client_tls.mode {
            ClientTlsMode::Disable => None,
            ClientTlsMode::Allow | ClientTlsMode::Require => {
                let mut config = server(&cluster.client_tls).map_err(failed)?;
                config.alpn_protocols = alpn(cluster.protocol);
                Some(Arc::new(config))
            }
        };
        let towards_servers = |shown| match cluster.primary.tls.mode {
            SslMode::Disable => Ok(None),
            _ => {
                let mut config = client(&cluster.primary.tls, shown)?;
                config.alpn_protocols = alpn(cluster.protocol);
                Ok(Some(Arc::new(config)))
            }
        };
        let for_upstream = towards_servers(None).map_err(failed)?;
        let service = cluster.service.as_ref();
        let shown = service.and_then(|service| service.cert.as_deref().zip(service.key.as_deref()));
        let for_service = match shown {
            None => for_upstream.clone(),
            Some(_) => towards_servers(shown).map_err(failed)?,
        };
        let cert = cluster.client_tls.cert.as_ref().filter(|_| for_clients.is_some());
        let chain = cert.map(|cert| certificates(cert)).transpose().map_err(failed)?;
        let first = chain.as_ref().and_then(|chain| chain.first());
        Ok(Self {
            for_clients,
            for_upstream,
            for_service,
            end_point: first.and_then(|der| binding::end_point(der)),
            expires_unix_s: first.and_then(|der| expiry::not_after_unix_s(der)),
        })
    }
}

fn alpn(protocol: Protocol) -> Vec<Vec<u8>> {
    match protocol {
        Protocol::PostgreSql => vec![ALPN.to_vec()],
        Protocol::MySql => Vec::new(),
    }
}

fn server(tls: &ClientTls) -> Result<ServerConfig, String> {
    let (Some(cert), Some(key)) = (&tls.cert, &tls.key) else {
        return Err("cert and key are missing".to_owned());
    };
    let chain = certificates(cert)?;
    let key = private_key(key)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(text)?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca)?), provider());
            builder.with_client_cert_verifier(verifier.build().map_err(text)?)
        }
    };
    let config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("{}: {error}", cert.display()))?;
    Ok(config)
}

/// With a certificate and its key, if the server is to see one.
fn client(tls: &UpstreamTls, shown: Option<(&Path, &Path)>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(text)?;
    let roots = match (&tls.ca, tls.mode) {
        (Some(ca), _) => Some(Arc::new(roots(ca)?)),
        (None, SslMode::VerifyCa | SslMode::VerifyFull) => {
            return Err("sslmode verify-ca and verify-full need a ca".to_owned());
        }
        (None, _) => None,
    };
    let verifier = Verifier::new(roots, tls.mode)?;
    let dangerous = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match shown {
        None => Ok(dangerous.with_no_client_auth()),
        Some((cert, key)) => dangerous
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| format!("{}: {error}", cert.display())),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let chain: Result<Vec<_>, _> = read.collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(format!("{} holds no certificate", path.display())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// As libpq's sslmode: `prefer` and `require` encrypt without knowing whom to, `verify-ca` checks the issuer,
/// `verify-full` the name too.
#[derive(Debug)]
struct Verifier {
    known: Option<Arc<WebPkiServerVerifier>>,
    mode: SslMode,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(roots: Option<Arc<RootCertStore>>, mode: SslMode) -> Result<Self, String> {
        let build = |roots| {
            WebPkiServerVerifier::builder_with_provider(roots, provider())
                .build()
                .map_err(text)
        };
        Ok(Self {
            known: roots.map(build).transpose()?,
            mode,
            provider: provider(),
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(known) = &self.known else {
            return Ok(ServerCertVerified::assertion());
        };
        match known.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::NotValidForName
                | rustls::CertificateError::NotValidForNameContext { .. },
            )) if self.mode != SslMode::VerifyFull => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

//! TLS on either leg, and what comes before it.

use super::program;
use crate::support::places::{Account, Scratch};
use crate::support::tls::{self, Certificate, Negotiation};
use crate::support::{Lull, Postgres, Primary, Version, Wire, frames};
use std::io::ErrorKind;

/// A lull with a certificate for its clients.
pub struct Encrypted {
    pub lull: Lull,
    pub certificate: Certificate,
    pub scratch: Scratch,
}

impl Encrypted {
    /// `for_clients` goes into `[cluster.tls]`; `sslmode` is for the server's side.
    pub fn before(primary: impl Into<Primary>, for_clients: &str, sslmode: &str) -> Self {
        Self::with(primary, |_| format!("{for_clients}\n"), sslmode)
    }

    fn with(
        primary: impl Into<Primary>,
        for_clients: impl FnOnce(&Scratch) -> String,
        sslmode: &str,
    ) -> Self {
        let scratch = Scratch::new("tls", Account::own());
        let certificate = Certificate::make(&scratch, "lull", Account::own());
        let tls = format!(
            "[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"\n{}",
            certificate.cert.display(),
            certificate.key.display(),
            for_clients(&scratch)
        );
        let lull = Lull::with_config(primary, |addresses| {
            addresses.config(&format!("primary_sslmode = \"{sslmode}\"\n{tls}"), "")
        });
        Self {
            lull,
            certificate,
            scratch,
        }
    }

    pub fn connect(&self, negotiation: Negotiation) -> std::io::Result<Wire> {
        tls::connect(self.lull.address(), &self.certificate.cert, negotiation)
    }
}

const WHO: [(&str, &str); 2] = [("user", "app"), ("database", "postgres")];
const INSIDE: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

#[track_caller]
fn log_in(client: &mut Wire) {
    client
        .startup(frames::PROTOCOL_3_0, &WHO, None)
        .expect_success("login");
}

#[test]
fn tls_on_each_leg_is_independent_of_the_other() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        for (sslmode, inside) in [("disable", "f"), ("prefer", "t"), ("require", "t")] {
            let tls = Encrypted::before(server, "mode = \"allow\"", sslmode);
            let in_the_clear = Wire::connect(tls.lull.address()).unwrap();
            for mut client in [in_the_clear, tls.connect(Negotiation::Asked).unwrap()] {
                log_in(&mut client);
                assert_eq!(client.value(INSIDE).as_deref(), Some(inside), "{sslmode}");
                let large = client.value("SELECT repeat('x', 3000000)").unwrap();
                assert_eq!(large.len(), 3_000_000);
                let sent = format!("SELECT length('{large}')");
                assert_eq!(client.value(&sent).as_deref(), Some("3000000"));
            }
        }
    }
}

#[test]
fn direct_tls_needs_its_alpn_protocol() {
    let tls = Encrypted::before(Postgres::shared(Version::Newest), "", "disable");
    let mut client = tls.connect(Negotiation::Direct).unwrap();
    log_in(&mut client);
    client.run("SELECT 1");
    // The handshake may end well at the client before it hears that it did not.
    if let Ok(mut without) = tls.connect(Negotiation::DirectWithoutAlpn) {
        let _ = without.try_send(&frames::startup(frames::PROTOCOL_3_0, &WHO));
        assert_eq!(without.until_closed().tags(), "");
    }
    // Asked for by SSLRequest, TLS needs no ALPN, as at the server: older clients send none.
    log_in(&mut tls.connect(Negotiation::AskedWithoutAlpn).unwrap());
}

#[test]
fn libpq_comes_in_by_every_sslmode_and_negotiation() {
    let server = Postgres::shared(Version::Newest);
    let tls = Encrypted::before(server, "mode = \"require\"", "require");
    let dsn = tls.lull.connect_string("app", "postgres");
    let root = format!("sslrootcert={}", tls.certificate.cert.display());
    for (version, words) in [
        (Version::Distribution, format!("sslmode=verify-full {root}")),
        (Version::Newest, format!("sslmode=verify-full {root}")),
        (
            Version::Newest,
            format!("sslmode=verify-full {root} sslnegotiation=direct"),
        ),
        (Version::Distribution, "sslmode=require".to_owned()),
        (
            Version::Distribution,
            "sslmode=prefer gssencmode=prefer".to_owned(),
        ),
    ] {
        let dsn = format!("{dsn} {words}");
        let said = program::run(program::of(version, "psql").args(["-XAtc", "SELECT 'hello'", &dsn]));
        assert_eq!(said.trim(), "hello");
    }
    let refused =
        program::fail(program::newest("psql").args(["-XAtc", "SELECT 1", &format!("{dsn} sslmode=disable")]));
    assert!(refused.contains("must use TLS"), "{refused}");
}

#[test]
fn gss_encryption_is_declined_and_tls_or_none_follows() {
    let server = Postgres::shared(Version::Newest);
    let tls = Encrypted::before(server, "", "disable");
    let plain = Lull::start(server);
    let mut client = Wire::connect(plain.address()).unwrap();
    client.send(&frames::gssenc_request());
    assert_eq!(client.read_byte(), b'N');
    client.send(&frames::ssl_request());
    assert_eq!(client.read_byte(), b'N');
    log_in(&mut client);
    log_in(&mut tls.connect(Negotiation::AskedForGssFirst).unwrap());
}

/// The handshake of a client that knows nothing of the bytes that somebody has put before it must fail on them.
#[test]
fn what_is_stuffed_in_clear_behind_an_ssl_request_is_not_taken_for_encrypted() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let tls = Encrypted::before(server, "", "disable");
        tls.connect(Negotiation::AskedWithBytesBehind)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(tls.lull.metric("lull_logins_total{result=\"ok\"}"), 0.0);
        let certificate = &server.certificate.as_ref().unwrap().cert;
        // The server notices a moment later.
        let directly = tls::connect(server.address, certificate, Negotiation::AskedWithBytesBehind);
        if let Ok(mut client) = directly {
            assert!(!client.until_closed().tags().contains('R'));
        }
    }
}

#[test]
fn a_client_certificate_is_asked_for_and_checked_where_a_ca_is_configured() {
    let server = Postgres::shared(Version::Newest);
    let tls = Encrypted::with(
        server,
        |scratch| {
            let ca = Certificate::make(scratch, "client", Account::own());
            format!("mode = \"require\"\nclient_ca = \"{}\"\n", ca.cert.display())
        },
        "disable",
    );
    let known = Certificate {
        cert: tls.scratch.path.join("client.crt"),
        key: tls.scratch.path.join("client.key"),
    };
    let stranger = Certificate::make(&tls.scratch, "stranger", Account::own());
    let connect = |shown: Option<&Certificate>| {
        let mut client = tls::connect_showing(
            tls.lull.address(),
            &tls.certificate.cert,
            Negotiation::Asked,
            shown,
        )?;
        client.try_send(&frames::startup(frames::PROTOCOL_3_0, &WHO))?;
        let replies = client.until_closed_or_ready();
        match replies.status() {
            Some('I') => Ok(client),
            _ => Err(std::io::Error::new(
                ErrorKind::PermissionDenied,
                format!("{replies:?}"),
            )),
        }
    };
    connect(Some(&known)).unwrap().run("SELECT 1");
    connect(Some(&stranger)).unwrap_err();
    connect(None).unwrap_err();
}

#[test]
fn the_servers_certificate_is_verified_as_configured() {
    for version in Version::ALL {
        let server = Postgres::shared(version);
        let scratch = Scratch::new("tls", Account::own());
        let other = Certificate::make(&scratch, "other", Account::own());
        let right = &server.certificate.as_ref().unwrap().cert;
        for (sslmode, ca, accepted) in [
            ("verify-ca", right, true),
            ("verify-full", right, true),
            ("verify-ca", &other.cert, false),
            ("verify-full", &other.cert, false),
        ] {
            // The server's key is its own, its certificate everybody's.
            let copy = scratch.write("ca.crt", &std::fs::read_to_string(ca).unwrap(), Account::own());
            let lull = Lull::with_config(server.address, |addresses| {
                let ca = copy.display();
                addresses.config(
                    &format!("primary_sslmode = \"{sslmode}\"\nprimary_ca = \"{ca}\""),
                    "",
                )
            });
            let mut client = Wire::connect(lull.address()).unwrap();
            let replies = client.startup(frames::PROTOCOL_3_0, &WHO, None);
            if accepted {
                assert_eq!(client.value(INSIDE).as_deref(), Some("t"));
            } else {
                assert_eq!(replies.error_code(), Some("08006"), "{sslmode}: {replies:?}");
            }
        }
    }
}

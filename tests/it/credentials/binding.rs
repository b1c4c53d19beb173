//! TLS on both legs: the login is bound to lull's certificate on one, to the server's on the other.

use super::{METHODS, PASSWORD, psql, server, userlist, write_secret};
use crate::support::places::{Account, Scratch};
use crate::support::tls::Certificate;
use crate::support::{Lull, Postgres, Version};
use crate::transparency::program;

struct Encrypted {
    lull: Lull,
    certificate: Certificate,
    _scratch: Scratch,
}

fn encrypted(server: &Postgres) -> Encrypted {
    let scratch = Scratch::new("tls", Account::own());
    let certificate = Certificate::make(&scratch, "lull", Account::own());
    let users = scratch.path.join("users.txt");
    write_secret(&users, &userlist(server));
    let rest = format!(
        "[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"\n[cluster.auth]\nmode = \"terminate\"\nusers_file = \"{}\"",
        certificate.cert.display(),
        certificate.key.display(),
        users.display()
    );
    let lull = Lull::with_config(server, |addresses| {
        addresses.config("primary_sslmode = \"require\"", &rest)
    });
    Encrypted {
        lull,
        certificate,
        _scratch: scratch,
    }
}

#[test]
fn a_login_is_bound_where_both_legs_have_tls() {
    for version in Version::ALL {
        let server = server(version);
        let tls = encrypted(&server);
        let root = tls.certificate.cert.display();
        for (user, words) in [
            ("scram-sha-256", "channel_binding=require".to_owned()),
            ("scram-sha-256", "channel_binding=disable".to_owned()),
            ("scram-sha-256", "sslmode=disable".to_owned()),
            (
                "password",
                format!("channel_binding=require sslmode=verify-full sslrootcert={root}"),
            ),
            ("md5", "channel_binding=prefer".to_owned()),
        ] {
            let dsn = format!(
                "{} sslmode=require {words}",
                tls.lull.connect_string(user, "postgres")
            );
            for client in Version::ALL {
                assert_eq!(
                    program::run(&mut psql(client, &dsn, PASSWORD)).trim(),
                    user,
                    "{words}"
                );
            }
        }
        assert_eq!(METHODS.len(), 3);
        let dsn = tls.lull.connect_string("scram-sha-256", "postgres");
        let bound = format!("{dsn} sslmode=require channel_binding=require");
        let wrong = program::fail(&mut psql(Version::Newest, &bound, "wrong"));
        assert!(
            wrong.contains("password authentication failed for user"),
            "{wrong}"
        );
    }
}

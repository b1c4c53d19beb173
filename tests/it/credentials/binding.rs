//! TLS on both legs: the login is bound to lull's certificate on one, to the server's on the other.

use super::{PASSWORD, psql, server, userlist, write_secret};
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
        let dsn = tls.lull.connect_string("scram-sha-256", "postgres");
        let bound = format!("{dsn} sslmode=require channel_binding=require");
        let wrong = program::fail(&mut psql(Version::Newest, &bound, "wrong"));
        assert!(
            wrong.contains("password authentication failed for user"),
            "{wrong}"
        );
    }
}

/// Another lull that relays stands in for whoever would listen: it has TLS on both legs, and a certificate of its own.
#[test]
fn whoever_stands_between_lull_and_the_server_is_found_out() {
    for version in Version::ALL {
        let server = server(version);
        let scratch = Scratch::new("tls", Account::own());
        let certificate = Certificate::make(&scratch, "between", Account::own());
        let tls = format!(
            "primary_sslmode = \"require\"\n[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"",
            certificate.cert.display(),
            certificate.key.display()
        );
        let between = Lull::with_config(&server, |addresses| addresses.config(&tls, ""));
        let users = userlist(&server);
        let lull = Lull::with_config(between.address(), |addresses| {
            let file = addresses.directory.join("users.txt");
            write_secret(&file, &users);
            let auth = format!(
                "[cluster.auth]\nmode = \"terminate\"\nusers_file = \"{}\"",
                file.display()
            );
            addresses.config("primary_sslmode = \"require\"", &auth)
        });
        let dsn = lull.connect_string("scram-sha-256", "postgres");
        let said = program::fail(&mut psql(Version::Newest, &dsn, PASSWORD));
        assert!(said.contains("SCRAM with channel binding cannot pass"), "{said}");
        assert_eq!(
            between.metric("lull_logins_total{result=\"channel_binding\"}"),
            1.0
        );
    }
}

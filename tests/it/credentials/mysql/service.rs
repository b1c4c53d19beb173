//! lull's own account logs in to the server: by each method, on a connection that nobody listens to and on another.

use crate::credentials::write_secret;
use crate::support::Lull;
use crate::support::lull::Addresses;
use crate::support::mysql::{Flavor, Server};

/// As the server has them; an empty password is none.
fn accounts(flavor: Flavor) -> &'static [(&'static str, &'static str)] {
    flavor.pick(
        &[("app", ""), ("native", "native-secret"), ("edward", "ed-secret")][..],
        &[("app", ""), ("sha2", "sha2-secret"), ("sha256", "sha256-secret")],
    )
}

fn config(addresses: &Addresses, sslmode: &str, user: &str, password: &str) -> String {
    let file = addresses.directory.join("service.pw");
    write_secret(&file, &format!("{password}\n"));
    let with_password = match password {
        "" => String::new(),
        _ => format!("password_file = \"{}\"", file.display()),
    };
    addresses.config(
        &format!("primary_sslmode = \"{sslmode}\""),
        &format!("[cluster.service]\nuser = \"{user}\"\n{with_password}"),
    )
}

/// What `lull check` says of an account.
fn check(lull: &Lull, sslmode: &str, user: &str, password: &str) -> String {
    let path = lull.write_config(&config(&lull.addresses, sslmode, user, password));
    let checked = lull.cli(&["check", "--config", &path.display().to_string()]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    let line = said.lines().find(|line| line.contains("service account"));
    line.unwrap_or(&said).to_owned()
}

#[test]
fn the_service_account_logs_in_by_every_method_with_tls_and_without() {
    for flavor in Flavor::ALL {
        // A server of its own: its memory of passwords is at stake.
        let server = Server::start(flavor);
        let lull = Lull::prepare(&server);
        for sslmode in ["disable", "require"] {
            for (user, password) in accounts(flavor) {
                server.superuser("").run("FLUSH PRIVILEGES");
                // The second time the server may know the password already.
                for _ in 0..2 {
                    let said = check(&lull, sslmode, user, password);
                    assert_eq!(said, format!("ok    main: service account: {user} logs in"));
                }
                let wrong = check(&lull, sslmode, user, "Pa55-wrong");
                assert!(
                    wrong.contains(
                        "cannot log in: upstream: it refused the login: 1045 (Access denied for user"
                    ),
                    "{wrong}"
                );
                assert!(!wrong.contains("Pa55"), "{wrong}");
            }
        }
    }
}

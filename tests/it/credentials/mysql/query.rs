//! auth_query: the server itself says what it knows of a user, to lull's own account.

use super::{login, server, users};
use crate::credentials::write_secret;
use crate::support::Lull;
use crate::support::eventually;
use crate::support::mysql::{Flavor, Server};

const METHOD: [&str; 2] = ["mysql_native_password", "caching_sha2_password"];

fn query(flavor: Flavor) -> String {
    format!(
        "SELECT User, authentication_string FROM mysql.user WHERE User = $1 AND Host = '%' AND plugin = '{}'",
        flavor.pick(METHOD[0], METHOD[1])
    )
}

fn lull(server: &Server, query: &str) -> Lull {
    Lull::with_config(server, |addresses| {
        let file = addresses.directory.join("service.pw");
        write_secret(&file, "of-the-service\n");
        let auth = format!(
            "[cluster.auth]\nmode = \"terminate\"\nauth_query = \"{query}\"\n\
             [cluster.service]\nuser = \"service\"\npassword_file = \"{}\"",
            file.display()
        );
        addresses.config("login_failures_max = 1000", &auth)
    })
}

fn check(lull: &Lull) -> String {
    let config = lull.directory().join("lull.toml").display().to_string();
    let checked = lull.cli(&["check", "--config", &config]);
    String::from_utf8_lossy(&checked.stdout).into_owned()
}

#[test]
fn users_come_in_whom_only_the_server_knows_and_whatever_they_are_called() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &query(flavor));
        let mut root = server.superuser("");
        root.run("CREATE USER 'o''brien \\\\ \"é' IDENTIFIED BY 'secret'");
        let [(user, password), _] = users(flavor);
        for (user, password) in [(user, password), ("o'brien \\ \"é", "secret")] {
            let mut client = login(user, password).to(lull.address());
            assert_eq!(client.value("SELECT USER()"), Some(format!("{user}@127.0.0.1")));
        }
        for nobody in ["nobody", "' OR '1' = '1", ""] {
            let refused = login(nobody, "x").try_to(lull.address()).unwrap_err().to_string();
            assert!(refused.contains("Access denied for user"), "{refused}");
        }
        let expected = "ok    main: service account: service logs in, and auth_query runs";
        assert!(check(&lull).contains(expected), "{}", check(&lull));
        // And the connection is opened again when the server has closed it.
        let kept = "SELECT id FROM information_schema.processlist WHERE user = 'service'";
        let id = eventually("that of the check has gone, and the other is kept", || {
            (server.superuser("").run(kept).rows().len() == 1).then(|| server.value(kept))?
        });
        server.superuser("").run(&format!("KILL {id}"));
        login(user, password).to(lull.address());
    }
}

#[test]
fn a_password_that_is_rotated_is_found() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        let lull = lull(&server, &query(flavor));
        let [(user, password), _] = users(flavor);
        login(user, password).to(lull.address());
        let mut root = server.superuser("");
        root.run(&format!("ALTER USER {user} IDENTIFIED BY 'rotated'"));
        login(user, password).try_to(lull.address()).unwrap_err();
        login(user, "rotated").to(lull.address());
        root.run(&format!("ALTER USER {user} ACCOUNT LOCK"));
        let locked = login(user, "rotated")
            .try_to(lull.address())
            .unwrap_err()
            .to_string();
        assert!(locked.contains("locked"), "the server's own words: {locked}");
    }
}

/// What MariaDB keeps of an ed25519 password is no secret to whoever can read it.
#[test]
fn what_another_method_keeps_is_not_taken_for_a_password() {
    let server = server(Flavor::MariaDb);
    let lull = lull(
        &server,
        "SELECT User, authentication_string FROM mysql.user WHERE User = $1",
    );
    let kept = super::verifier(&server, "edward");
    let refused = login("edward", &kept)
        .try_to(lull.address())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("internal problem"), "{refused}");
    let log = lull.log();
    assert!(
        log.contains("auth_query: a secret that is neither a hash of"),
        "{log}"
    );
    assert!(!log.contains(&kept), "{log}");
}

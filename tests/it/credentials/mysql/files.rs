//! The file of secrets, and passwords that change.

use super::{login, lull, server, userlist, users};
use crate::credentials::write_secret;
use crate::support::eventually;
use crate::support::mysql::Flavor;

#[test]
fn a_rotated_password_is_found_in_the_file_without_a_reload() {
    for flavor in Flavor::ALL {
        let server = server(flavor);
        // Whoever tries as often as this test does is not heard any more otherwise.
        let lull = lull(&server, &userlist(&server), "login_failures_max = 1000", "");
        for (user, password) in users(flavor) {
            login(user, password).to(lull.address());
            let mut root = server.superuser("");
            root.run(&format!("ALTER USER {user} IDENTIFIED BY 'rotated'"));
            // The server takes the old one no more, whatever lull's file says.
            let refused = login(user, password)
                .try_to(lull.address())
                .unwrap_err()
                .to_string();
            assert!(refused.contains("Access denied for user"), "{refused}");
            let newer = userlist(&server).replace(&format!("\"{password}\""), "\"rotated\"");
            write_secret(&lull.directory().join("users.txt"), &newer);
            // lull reads the file again when a secret is wrong, at most once a second.
            eventually("the new password is found", || {
                login(user, "rotated").try_to(lull.address()).ok().map(drop)
            });
            login(user, password).try_to(lull.address()).unwrap_err();
        }
        let log = lull.log();
        assert!(
            log.contains("is not the server's; it is looked up again"),
            "{log}"
        );
    }
}

#[test]
fn a_file_that_others_can_read_stops_the_reload() {
    use std::os::unix::fs::PermissionsExt;
    let server = server(Flavor::MariaDb);
    let lull = lull(&server, &userlist(&server), "", "");
    let users = lull.directory().join("users.txt");
    std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o644)).unwrap();
    let reloaded = lull.cli(&["reload"]);
    let said = String::from_utf8_lossy(&reloaded.stderr).into_owned();
    assert!(
        !reloaded.status.success() && said.contains("users.txt: others can read or write it"),
        "{said}"
    );
    // What was read before still holds.
    login("native", "native-secret").to(lull.address());
}

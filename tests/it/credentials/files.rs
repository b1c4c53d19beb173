//! The files in which secrets are: who may read them, and when lull does.

use super::{PASSWORD, lull, psql, server, userlist, write_secret};
use crate::support::{Lull, Version, eventually};
use crate::transparency::program;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_file_that_others_can_read_stops_the_start_and_the_reload() {
    let server = server(Version::Newest);
    let lull = lull(&server, &userlist(&server), "", "");
    let users = lull.directory().join("users.txt");
    fs::set_permissions(&users, fs::Permissions::from_mode(0o644)).unwrap();
    let expected = "users.txt: others can read or write it (mode 644); make that 600";
    let reloaded = lull.cli(&["reload"]);
    let said = String::from_utf8_lossy(&reloaded.stderr).into_owned();
    assert!(!reloaded.status.success() && said.contains(expected), "{said}");
    let config = lull.directory().join("lull.toml").display().to_string();
    let checked = lull.cli(&["check", "--config", &config]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        !checked.status.success() && said.contains("FAIL  main: users_file"),
        "{said}"
    );
    // What was read before still holds.
    program::run(&mut psql(
        Version::Newest,
        &lull.connect_string("md5", "postgres"),
        PASSWORD,
    ));
    lull.kill9();
    let log = lull.try_launch().unwrap_err();
    assert!(log.contains(expected), "{log}");
    fs::set_permissions(&users, fs::Permissions::from_mode(0o640)).unwrap();
    lull.launch();
}

#[test]
fn a_broken_line_is_named_and_not_shown() {
    let server = server(Version::Newest);
    let lull = lull(&server, &userlist(&server), "", "");
    write_secret(
        &lull.directory().join("users.txt"),
        "\"app\" \"right\"\n\"web\" Pa55-unquoted\n",
    );
    let reloaded = lull.cli(&["reload"]);
    let said = String::from_utf8_lossy(&reloaded.stderr).into_owned();
    assert!(said.contains("users.txt: line 2: no secret in quotes"), "{said}");
    assert!(!format!("{said}{}", lull.log()).contains("Pa55"), "{said}");
}

fn login(lull: &Lull, password: &str) -> std::process::Command {
    psql(
        Version::Newest,
        &lull.connect_string("scram-sha-256", "postgres"),
        password,
    )
}

#[test]
fn a_rotated_password_is_found_in_the_file_without_a_reload() {
    let server = server(Version::Newest);
    // Whoever tries as often as this test does is not heard any more otherwise.
    let lull = lull(&server, &userlist(&server), "login_failures_max = 1000", "");
    program::run(&mut login(&lull, PASSWORD));
    server
        .superuser("postgres")
        .run("ALTER ROLE \"scram-sha-256\" PASSWORD 'rotated'");
    // The server takes the old one no more, whatever lull's file says.
    let refused = program::fail(&mut login(&lull, PASSWORD));
    assert!(refused.contains("password authentication failed"), "{refused}");
    write_secret(&lull.directory().join("users.txt"), &userlist(&server));
    // lull reads the file again when a secret is wrong, at most once a second.
    eventually("the new password is found", || {
        login(&lull, "rotated")
            .output()
            .unwrap()
            .status
            .success()
            .then_some(())
    });
    program::fail(&mut login(&lull, PASSWORD));
    assert!(
        lull.log().contains("is not the server's; it is looked up again"),
        "{}",
        lull.log()
    );
}

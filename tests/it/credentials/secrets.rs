//! What lull knows is told to nobody: not by its log at any level, not by its metrics, not by its console.

use super::{METHODS, PASSWORD, lull, psql, server, userlist, verifier, write_secret};
use crate::support::{Version, eventually};
use crate::transparency::program;

#[test]
fn no_secret_is_in_the_log_at_trace_level_in_the_metrics_or_in_an_answer() {
    let server = server(Version::Newest);
    server
        .superuser("postgres")
        .run("ALTER ROLE \"password\" PASSWORD 'Pa55-in-the-clear'");
    let users = userlist(&server).replace("\"secret\"", "\"Pa55-in-the-clear\"");
    let lull = lull(
        &server,
        &users,
        "login_failures_max = 1000",
        "[log]\nlevel = \"trace\"",
    );
    let login =
        |user: &str, password: &str| psql(Version::Newest, &lull.connect_string(user, "postgres"), password);
    for method in METHODS {
        let password = if method == "password" {
            "Pa55-in-the-clear"
        } else {
            PASSWORD
        };
        program::run(&mut login(method, password));
        program::fail(&mut login(method, "Pa55-that-is-wrong"));
    }
    program::fail(&mut login("nobody", "Pa55-that-is-wrong"));
    server
        .superuser("postgres")
        .run("ALTER ROLE \"scram-sha-256\" PASSWORD 'Pa55-of-later'");
    program::fail(&mut login("scram-sha-256", PASSWORD));
    let file = lull.directory().join("users.txt");
    write_secret(&file, "\"app\" Pa55-unquoted");
    let reloaded = lull.cli(&["reload"]);
    write_secret(&file, &users);
    let status = lull.cli(&["status", "--json"]);
    let log = eventually("a line of the levels below info", || {
        program::fail(&mut login("md5", "Pa55-that-is-wrong"));
        let log = lull.log();
        log.contains("DEBUG").then_some(log)
    });
    let said = [
        log,
        lull.metrics(),
        String::from_utf8_lossy(&reloaded.stderr).into_owned(),
        String::from_utf8_lossy(&status.stdout).into_owned(),
    ]
    .concat();
    let mut secrets = vec!["Pa55".to_owned(), verifier(&server, "md5")[3..].to_owned()];
    // Salt, stored key, server key.
    let users = users.lines().find(|line| line.contains("SCRAM")).unwrap();
    secrets.extend(
        users
            .split(['$', ':', '"'])
            .filter(|part| part.ends_with('='))
            .map(str::to_owned),
    );
    assert_eq!(secrets.len(), 5, "{secrets:?}");
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

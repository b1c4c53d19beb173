//! lull authenticates clients by itself (`mode = "terminate"`), and logs in to the server as them.

mod binding;
mod drivers;
mod files;
mod guesses;
mod logins;
mod mysql;
mod query;
mod replicas;
mod secrets;

use crate::support::places::Account;
use crate::support::{Lull, Postgres, Primary, Settings, Version};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

/// Each named as the method that the server's `pg_hba.conf` asks it for; the password is `secret`.
pub const METHODS: [&str; 3] = ["scram-sha-256", "md5", "password"];
pub const PASSWORD: &str = "secret";

/// A server with a role for each method, and lull's own role `service`, which may read verifiers and has its password.
pub fn server(version: Version) -> Postgres {
    let settings = METHODS.iter().fold(Settings::of(version), |settings, method| {
        settings.hba(&format!("host all \"{method}\" 127.0.0.1/32 {method}"))
    });
    let server = Postgres::start_with(settings.hba("host all service 127.0.0.1/32 scram-sha-256"));
    let mut admin = server.superuser("postgres");
    for method in METHODS {
        let encryption = if method == "md5" { "md5" } else { "scram-sha-256" };
        admin.run(&format!("SET password_encryption = '{encryption}'"));
        admin.run(&format!("CREATE ROLE \"{method}\" LOGIN PASSWORD '{PASSWORD}'"));
    }
    admin.run("CREATE ROLE service LOGIN PASSWORD 'of-the-service'");
    admin.run("GRANT SELECT ON pg_authid TO service");
    server
}

/// What the server keeps of a role's password.
pub fn verifier(server: &Postgres, role: &str) -> String {
    let asked = format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'");
    server.value("postgres", &asked).expect("it has a password")
}

/// A line for each method's role: the server's verifier, and the password itself where the server asks for that.
pub fn userlist(server: &Postgres) -> String {
    let line = |role: &str| match role {
        "password" => format!("\"{role}\" \"{PASSWORD}\"\n"),
        _ => format!("\"{role}\" \"{}\"\n", verifier(server, role)),
    };
    METHODS.iter().map(|role| line(role)).collect()
}

/// A lull with this users file; `cluster` goes into `[[cluster]]`, `rest` behind `[cluster.auth]`.
pub fn lull(server: impl Into<Primary>, users: &str, cluster: &str, rest: &str) -> Lull {
    Lull::with_config(server, |addresses| {
        let file = addresses.directory.join("users.txt");
        write_secret(&file, users);
        let auth = format!(
            "[cluster.auth]\nmode = \"terminate\"\nusers_file = \"{}\"\n{rest}",
            file.display()
        );
        addresses.config(cluster, &auth)
    })
}

/// Writes a file that nobody else can read.
pub fn write_secret(path: &std::path::Path, text: &str) {
    let _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let own = Account::own();
    chown(path, Some(own.uid), Some(own.gid)).unwrap();
}

/// psql, which says who it is.
pub fn psql(version: Version, dsn: &str, password: &str) -> Command {
    let mut command = crate::transparency::program::of(version, "psql");
    command
        .args(["-XAtwc", "SELECT current_user", dsn])
        .env("PGPASSWORD", password);
    command
}

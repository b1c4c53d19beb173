//! The same on MariaDB and MySQL.

mod drivers;
mod files;
mod guesses;
mod logins;
mod query;
mod replicas;
mod secrets;
mod service;

use super::lull;
use crate::support::mysql::{Flavor, Login, Server};

/// Users and their passwords: the first is known to lull by what the server keeps, the second by the password itself.
pub fn users(flavor: Flavor) -> [(&'static str, &'static str); 2] {
    flavor.pick(
        [("native", "native-secret"), ("plain", "plain-secret")],
        [("sha2", "sha2-secret"), ("sha256", "sha256-secret")],
    )
}

/// A server of one's own, with these users and lull's own account `service`.
pub fn server(flavor: Flavor) -> Server {
    let server = Server::start(flavor);
    let mut root = server.superuser("");
    if flavor == Flavor::MariaDb {
        root.run("CREATE USER plain IDENTIFIED BY 'plain-secret'");
        root.run("GRANT ALL PRIVILEGES ON `shop\\_%`.* TO plain");
    }
    root.run("CREATE USER service IDENTIFIED BY 'of-the-service'");
    root.run("GRANT SELECT ON mysql.* TO service");
    server
}

/// What the server keeps of a user's password, as it can be written in a file.
pub fn verifier(server: &Server, user: &str) -> String {
    let stored = server.flavor.pick(
        "authentication_string",
        "CONCAT('0x', HEX(authentication_string))",
    );
    let asked = format!("SELECT {stored} FROM mysql.user WHERE User = '{user}'");
    server.value(&asked).expect("it has a password")
}

pub fn userlist(server: &Server) -> String {
    let [(hashed, _), (plain, password)] = users(server.flavor);
    let verifier = verifier(server, hashed);
    format!("\"{hashed}\" \"{verifier}\"\n\"{plain}\" \"{password}\"\n")
}

/// The server forgets what passwords it has seen.
pub fn forget(server: &Server) {
    server.superuser("").run("FLUSH PRIVILEGES");
}

pub fn login(user: &str, password: &str) -> Login {
    Login::of(user).password(password)
}

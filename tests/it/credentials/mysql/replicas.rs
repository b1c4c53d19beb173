//! Sessions move to a replica and back with what their client has proven, whether that was to lull or to the server; or
//! with the password that is in the file.

use super::{login, server, userlist, users};
use crate::credentials::write_secret;
use crate::support::Lull;
use crate::support::mysql::{Flavor, Server};

fn lull(primary: &Server, replica: &Server, mode: &str) -> Lull {
    let users = userlist(primary);
    Lull::with_config(primary, |addresses| {
        let (file, service) = (
            addresses.directory.join("users.txt"),
            addresses.directory.join("service.pw"),
        );
        write_secret(&file, &users);
        write_secret(&service, "of-the-service\n");
        let auth = format!(
            "[cluster.auth]\nmode = \"{mode}\"\nusers_file = \"{}\"\n\
             [cluster.service]\nuser = \"service\"\npassword_file = \"{}\"",
            file.display(),
            service.display()
        );
        addresses.config(&format!("replicas = [\"{}\"]", replica.address), &auth)
    })
}

#[test]
fn a_session_that_has_proven_its_password_moves_without_being_asked_again() {
    for flavor in Flavor::ALL {
        let primary = server(flavor);
        let replica = primary.replica(primary.address);
        replica.catch_up(&primary.position());
        for mode in ["terminate", "relay"] {
            let lull = lull(&primary, &replica, mode);
            let [hashed, plain] = users(flavor);
            // A relayed login by caching_sha2_password shows lull nothing.
            let who = match (flavor, mode) {
                (Flavor::MySql, "relay") => vec![plain],
                _ => vec![hashed, plain],
            };
            let clients = who
                .iter()
                .map(|(user, password)| login(user, password).to(lull.address()));
            let mut clients: Vec<_> = clients.collect();
            let mut are_at = |server: &Server| {
                let port = server.address.port().to_string();
                for (client, (user, _)) in clients.iter_mut().zip(&who) {
                    let here = client.value("SELECT @@global.port");
                    assert_eq!(here.as_ref(), Some(&port), "{user} {mode}: {}", lull.log());
                }
            };
            are_at(&primary);
            lull.fenced("all", &["--mode", "replica"]);
            are_at(&replica);
            lull.lifted("all");
            are_at(&primary);
        }
    }
}

//! Sessions whose server asks for SCRAM move to a replica and back: with the keys that the client's own proof has shown,
//! whether that was to lull or to the server.

use super::{PASSWORD, server, userlist, write_secret};
use crate::support::{Lull, Version};
use std::time::Duration;

const USER: &str = "scram-sha-256";

#[test]
fn a_session_that_has_proven_its_password_moves_without_being_asked_again() {
    for version in Version::ALL {
        let primary = server(version);
        let standby = primary.standby();
        for mode in ["terminate", "relay"] {
            let users = userlist(&primary);
            let lull = Lull::with_config(&primary, |addresses| {
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
                addresses.config(&format!("replicas = [\"{}\"]", standby.address), &auth)
            });
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let story = async { tokio::time::timeout(Duration::from_secs(60), travel(&lull)).await };
            let sites = runtime.block_on(story).expect("in time").expect("no error");
            assert_eq!(sites, [false, true, false], "{mode}: {}", lull.log());
        }
    }
}

/// Whether one session is on a standby: before a lull, in it, and after.
async fn travel(lull: &Lull) -> Result<[bool; 3], tokio_postgres::Error> {
    let config = format!("{} password={PASSWORD}", lull.connect_string(USER, "postgres"));
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let question = "SELECT pg_is_in_recovery()";
    let before = client.query_one(question, &[]).await?.get(0);
    lull.fenced("all", &["--mode", "replica"]);
    let inside = client.query_one(question, &[]).await?.get(0);
    lull.lifted("all");
    let after = client.query_one(question, &[]).await?.get(0);
    drop(client);
    let _ = connection.await;
    Ok([before, inside, after])
}

//! Reloads while clients are at work, and real drivers through a whole lull.

use super::{Ground, assert_refused, on_every_version};
use crate::support::places::{Account, Scratch};
use crate::support::tls::{self, Certificate, Negotiation};
use crate::support::{Driver, Lull, Postgres, Version, Wire, eventually, frames, ports};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_reload_under_load_adds_and_removes_listeners_and_nobody_notices() {
    on_every_version(|ground: &Ground| {
        let more = ports::free();
        let lull = Lull::with_config(ground.db.server.address, |addresses| addresses.config("", ""));
        let plain = lull.addresses.config("", "");
        let wider = plain.replace("\nlisten = [", &format!("\nlisten = [\"{more}\", "));
        // The metrics' listener is written the same way, without a bracket.
        assert_ne!(plain, wider);
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let busy = threads.spawn(|| {
                let mut client = Wire::login(lull.address(), "app", &ground.db.name);
                let mut count = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    let written = client.query("INSERT INTO t VALUES (1)");
                    assert!(
                        matches!(written.error_code(), None | Some("25006")),
                        "{written:?}"
                    );
                    Wire::login(lull.address(), "app", &ground.db.name).run("SELECT 1");
                    count += 1;
                }
                count
            });
            for _ in 0..5 {
                lull.write_config(&wider);
                assert!(lull.cli(&["reload"]).status.success());
                let mut client = Wire::login(more, "app", &ground.db.name);
                lull.write_config(&plain);
                lull.signal("HUP");
                eventually("the listener is gone", || {
                    Wire::try_login(more, "app", &ground.db.name).err()
                });
                client.run("INSERT INTO t VALUES (2)");
                lull.fenced("all", &[]);
                assert_refused(
                    &client.query("INSERT INTO t VALUES (3)"),
                    "who came in by a listener that is gone",
                );
                lull.lifted("all");
                // A reload that cannot be done changes nothing.
                lull.write_config("nonsense = 1");
                let refused = lull.cli(&["reload"]);
                assert_eq!(refused.status.code(), Some(5), "{refused:?}");
                lull.write_config(&plain);
            }
            stop.store(true, Ordering::Relaxed);
            assert!(busy.join().expect("nobody notices") > 0);
        });
    });
}

#[test]
fn a_certificate_that_is_replaced_is_shown_to_the_next_client_and_the_others_stay() {
    let server = Postgres::shared(Version::Newest);
    let db = server.database();
    let place = Scratch::new("certificates", Account::own());
    let (first, second) = (
        Certificate::make(&place, "first", Account::own()),
        Certificate::make(&place, "second", Account::own()),
    );
    let section = |certificate: &Certificate| {
        format!(
            "[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"\n",
            certificate.cert.display(),
            certificate.key.display()
        )
    };
    let lull = Lull::with_config(server.address, |addresses| {
        addresses.config("primary_sslmode = \"disable\"", &section(&first))
    });
    let login = |certificate: &Certificate| {
        let mut client = tls::connect(lull.address(), &certificate.cert, Negotiation::Asked)?;
        let who = [("user", "app"), ("database", db.name.as_str())];
        client
            .startup(frames::PROTOCOL_3_0, &who, None)
            .expect_success("login");
        std::io::Result::Ok(client)
    };
    let mut old = login(&first).expect("the first certificate");
    assert!(login(&second).is_err());
    let text = lull
        .addresses
        .config("primary_sslmode = \"disable\"", &section(&second));
    lull.write_config(&text);
    assert!(lull.cli(&["reload"]).status.success());
    login(&second).expect("the second certificate").run("SELECT 1");
    assert!(login(&first).is_err());
    old.run("SELECT 1");
}

#[test]
fn real_drivers_live_through_a_lull() {
    for version in Version::ALL {
        for driver in Driver::ALL {
            let ground = Ground::on(Postgres::shared(version));
            driver.check_lull(
                &ground.lull.connect_string("app", &ground.db.name),
                || drop(ground.lull.fenced("all", &["--reason", "drivers"])),
                || ground.lull.lifted("all"),
            );
        }
    }
}

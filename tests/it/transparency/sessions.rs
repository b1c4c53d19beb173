//! What happens to a session besides its own questions: notices, notifications, ends of all kinds.

use super::on_every_version;
use crate::support::{Wire, eventually, frames};

#[test]
fn notifications_and_settings_reach_an_idle_client_by_themselves() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        let mut other = Wire::login(lull.address(), "app", &db.name);
        client.run("LISTEN probe");
        for payload in ["first", "second"] {
            other.run(&format!("NOTIFY probe, '{payload}'"));
            let told = client.read();
            assert_eq!(told.tag, b'A');
            assert_eq!(told.body[..4], other.pid().to_be_bytes());
            assert_eq!(told.body[4..], *format!("probe\0{payload}\0").as_bytes());
        }
    });
}

#[test]
fn a_notice_arrives_while_its_statement_still_runs() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.send(&frames::query(
            "DO $$ BEGIN RAISE NOTICE 'half way'; PERFORM pg_sleep(60); END $$",
        ));
        let notice = client.read();
        assert_eq!(notice.field(b'M'), Some("half way"));
        client.cancel_at(lull.address());
        assert_eq!(client.until_ready().error_code(), Some("57014"));
    });
}

#[test]
fn a_client_that_says_no_more_still_gets_its_answers() {
    on_every_version(|server, lull| {
        let db = server.database();
        let half_close = |address| {
            let mut client = Wire::login(address, "app", &db.name);
            let batch = [
                frames::query("SELECT 1"),
                frames::query("SELECT pg_sleep(0.3)"),
                frames::extended("SELECT repeat('x', 5000000)", &[]),
                frames::sync(),
                frames::query("SELECT 'last'"),
            ];
            client.send(&batch.concat());
            client.close_write();
            client.until_closed()
        };
        let (directly, through) = (half_close(server.address), half_close(lull.address()));
        assert_eq!(through.tags(), directly.tags());
        assert!(through == directly);
        assert_eq!(through.rows().last(), Some(&vec!["last".to_owned()]));
    });
}

#[test]
fn a_session_that_the_server_ends_is_told_in_the_servers_words() {
    on_every_version(|server, lull| {
        let db = server.database();
        let mut client = Wire::login(lull.address(), "app", &db.name);
        db.superuser()
            .run(&format!("SELECT pg_terminate_backend({})", client.pid()));
        let last = client.until_closed();
        assert_eq!(last.error_code(), Some("57P01"));
        assert_eq!(
            last.error_message(),
            Some("terminating connection due to administrator command")
        );
    });
}

#[test]
fn the_servers_side_ends_with_the_client_however_that_ends() {
    on_every_version(|server, lull| {
        let db = server.database();
        let polite = Wire::login(lull.address(), "app", &db.name);
        let rude = Wire::login(lull.address(), "app", &db.name);
        let mut in_transaction = Wire::login(lull.address(), "app", &db.name);
        in_transaction.run("BEGIN; SELECT pg_advisory_xact_lock(1)");
        for (client, says_goodbye) in [(polite, true), (rude, false), (in_transaction, false)] {
            let pid = client.pid();
            let mut client = client;
            if says_goodbye {
                client.send(&frames::terminate());
            }
            drop(client);
            eventually("the backend has ended", || {
                let here = db.value(&format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid}"));
                here.is_none().then_some(())
            });
        }
        assert_eq!(db.value("SELECT pg_try_advisory_lock(1)").as_deref(), Some("t"));
    });
}

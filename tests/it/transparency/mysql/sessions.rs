//! What happens to a session besides its own questions: KILL, other users, ends of all kinds.

use super::on_every_flavor;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::{Login, Reply, Wire};

#[test]
fn another_user_takes_over_the_session_and_a_wrong_password_ends_it() {
    on_every_flavor(|server, lull| {
        let (user, password) = server
            .flavor
            .pick(("native", "native-secret"), ("sha2", "sha2-secret"));
        // The server has seen the password: a scramble then is enough.
        Login::of(user).password(password).to(server.address);
        let db = server.database();
        for more in [
            0,
            capability::SESSION_TRACK | capability::DEPRECATE_EOF | capability::CONNECT_ATTRS,
        ] {
            let mut client = Login::of("app").with(more).to(lull.address());
            client.run("SET @mine = 1");
            let other = Login::of(user)
                .password(password)
                .database(&db.name)
                .attribute("program_name", "other");
            for _ in 0..2 {
                other.change(&mut client).unwrap();
                assert_eq!(client.value("SELECT CURRENT_USER()"), Some(format!("{user}@%")));
                assert_eq!(client.value("SELECT DATABASE()").as_ref(), Some(&db.name));
                assert_eq!(client.value("SELECT @mine"), None);
            }
            Login::of("app").change(&mut client).unwrap();
            assert_eq!(client.value("SELECT CURRENT_USER()").as_deref(), Some("app@%"));
            let refused = Login::of(user).password("wrong").change(&mut client).unwrap_err();
            assert!(refused.to_string().contains("Access denied"), "{refused}");
        }
    });
}

#[test]
fn a_client_that_says_no_more_still_gets_its_answers() {
    on_every_flavor(|server, lull| {
        let half_close = |address| {
            let mut client = Wire::login(address, "app", "");
            for sql in [
                "SELECT 1",
                "SELECT SLEEP(0.3)",
                "SELECT repeat('x', 5000000)",
                "SELECT 'last'",
            ] {
                client.send(&packets::query(sql));
            }
            client.close_write();
            client.until_closed()
        };
        let (directly, through) = (half_close(server.address), half_close(lull.address()));
        assert!(
            through == directly,
            "{} and {} packets",
            through.len(),
            directly.len()
        );
        assert!(directly.iter().any(|packet| packet.payload == b"\x04last"));
    });
}

#[test]
fn the_servers_side_ends_with_the_client_however_that_ends() {
    on_every_flavor(|server, lull| {
        let db = server.database();
        db.run("CREATE TABLE t (n INT) ENGINE = InnoDB");
        for farewell in [true, false] {
            let mut client = Wire::login(lull.address(), "app", &db.name);
            client.run("BEGIN");
            client.run("INSERT INTO t VALUES (1)");
            client.run("SELECT GET_LOCK('probe', 0)");
            if farewell {
                client.send(&[packets::QUIT]);
            }
            let id = client.id();
            drop(client);
            server.wait_for_end_of(id);
            assert_eq!(db.value("SELECT count(*) FROM t").as_deref(), Some("0"));
            assert_eq!(server.value("SELECT IS_FREE_LOCK('probe')").as_deref(), Some("1"));
        }
    });
}

#[test]
fn a_packet_that_is_larger_than_the_server_allows_gets_the_servers_answer() {
    on_every_flavor(|_, lull| {
        let mut client = Wire::login(lull.address(), "app", "");
        let too_large = client.query(&format!("SELECT '{}'", "x".repeat(65 << 20)));
        assert!(
            matches!(&too_large.0[0], Reply::Error { code: 1153, .. }),
            "{too_large:?}"
        );
    });
}

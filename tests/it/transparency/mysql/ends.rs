//! How a connection ends: with the server's own words, and no other.

use super::on_every_flavor;
use crate::support::eventually;
use crate::support::mysql::{Wire, packets};

#[test]
fn a_session_that_the_server_ends_is_told_what_the_server_says() {
    on_every_flavor(|server, lull| {
        let last_words = |address| {
            let mut client = Wire::login(address, "app", "");
            client.run("SET SESSION wait_timeout = 1");
            client.until_closed()
        };
        assert_eq!(last_words(lull.address()), last_words(server.address));
        let killed = |address| {
            let mut client = Wire::login(address, "app", "");
            client.send(&packets::query("SELECT SLEEP(60)"));
            let id = client.id();
            let runs = format!(
                "SELECT count(*) FROM information_schema.processlist WHERE id = {id} AND info LIKE 'SELECT SLEEP%'"
            );
            eventually("it sleeps", || {
                (server.value(&runs).as_deref() == Some("1")).then_some(())
            });
            server.superuser("").run(&format!("KILL {id}"));
            client.until_closed()
        };
        assert_eq!(killed(lull.address()), killed(server.address));
    });
}

#[test]
fn packets_out_of_order_get_the_servers_answer_and_no_other() {
    on_every_flavor(|server, lull| {
        let wrong_number = |address| {
            let mut client = Wire::login(address, "app", "");
            client.try_send_raw(&[1, 0, 0, 7, packets::PING]).unwrap();
            client.until_closed()
        };
        assert_eq!(wrong_number(lull.address()), wrong_number(server.address));
    });
}

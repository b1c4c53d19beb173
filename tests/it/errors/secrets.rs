//! Nothing that a client says in confidence is in the log or in the metrics.

use crate::support::{Lull, Postgres, Settings, Version, Wire, frames};

/// Texts that must stay between client and server, each in the places where one could slip out.
const SECRETS: [&str; 6] = [
    "Pa55-of-login",
    "Pa55-in-text",
    "4711-0815-card",
    "s3cret-parameter",
    "s3cret_table",
    "s3cret-notice",
];

#[test]
fn no_password_and_no_sql_is_in_the_log_or_in_the_metrics() {
    let settings = Settings::of(Version::Newest).hba("host all clear 127.0.0.1/32 password");
    let server = Postgres::start_with(settings);
    let role = format!("CREATE ROLE clear SUPERUSER LOGIN PASSWORD '{}'", SECRETS[0]);
    server.superuser("postgres").run(&role);
    let lull = Lull::with_config(server.address, |addresses| {
        addresses.config(
            "inspect_bytes_max = 16384\nprepared_statements_max = 2",
            "[log]\nlevel = \"info\"",
        )
    });
    let login = |password: &str| {
        let mut client = Wire::connect(lull.address()).unwrap();
        let who = [
            ("user", "clear"),
            ("database", "postgres"),
            ("options", "-c work_mem=5MB"),
        ];
        client.startup(frames::PROTOCOL_3_0, &who, Some(password));
        client
    };
    let mut client = login(SECRETS[0]);
    // Wrong passwords, and the right one where none belongs.
    drop(login(&format!("{}x", SECRETS[0])));
    let mut stranger = Wire::connect(lull.address()).unwrap();
    stranger.send(&frames::password(SECRETS[0])).close_write();
    stranger.until_closed();
    talk(&mut client);
    lull.fenced("all", &["--reason", "audited"]);
    talk(&mut client);
    client
        .send(&frames::message(b'!', SECRETS[2].as_bytes()))
        .until_closed();
    let mut client = login(SECRETS[0]);
    talk(&mut client);
    lull.lifted("all");
    drop(client);
    lull.status_json();
    let (log, metrics) = (lull.log(), lull.metrics());
    assert!(log.contains("lull is open"), "{log}");
    for secret in SECRETS {
        for (place, text) in [("log", &log), ("metrics", &metrics)] {
            let line = text
                .lines()
                .find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
            assert_eq!(line, None, "{secret} is in the {place}");
        }
    }
    for word in ["SELECT", "INSERT", "work_mem"] {
        assert!(
            !metrics.contains(word) && !log.contains(word),
            "{word} is in the log or the metrics"
        );
    }
}

/// Statements that succeed, fail, are refused, and are too large or too many to be inspected.
fn talk(client: &mut Wire) {
    let [_, password, card, parameter, table, notice] = SECRETS;
    for sql in [
        format!("CREATE TABLE IF NOT EXISTS {table} (v text)"),
        format!(
            "ALTER ROLE clear PASSWORD '{password}' VALID UNTIL 'infinity'; ALTER ROLE clear PASSWORD '{}'",
            SECRETS[0]
        ),
        format!("SELECT '{card}'"),
        format!("SELECT '{card}'::int"),
        format!("SELECT FROM {table} WHERE '{card}"),
        format!("INSERT INTO {table} VALUES ('{card}')"),
        format!("VACUUM {table}"),
        format!("DO $$ BEGIN RAISE NOTICE '{notice}'; END $$"),
        format!("DO $$ BEGIN RAISE EXCEPTION '{notice}'; END $$"),
        format!("SET application_name = '{card}'"),
        format!("EXECUTE \"{card}\""),
        format!("SELECT '{}'", card.repeat(2000)),
    ] {
        client.query(&sql);
        client.extended(&sql, &[]);
    }
    client.extended("SELECT $1", &[Some(parameter)]);
    client.extended("SELECT $1::int", &[Some(parameter)]);
    for number in 0..4 {
        client.send(
            &[
                frames::parse(&format!("{card}{number}"), &format!("SELECT '{card}'")),
                frames::sync(),
            ]
            .concat(),
        );
        client.until_ready();
    }
    client.query("DEALLOCATE ALL");
}

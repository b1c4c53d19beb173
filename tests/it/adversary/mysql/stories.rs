//! Ways out that need a past before the lull.

use super::ground::{self, WRITE};
use crate::support::Lull;
use crate::support::mysql::packets::{self, capability};
use crate::support::mysql::wire::framed;
use crate::support::mysql::{Flavor, Login, Observer, Wire};

pub(super) const LIFT: &str = "SET SESSION TRANSACTION READ WRITE";

type Act = Box<dyn Fn(&mut Wire, Flavor)>;

struct Story {
    name: String,
    login: Login,
    before: Act,
    within: Act,
}

/// Stories that are told side by side, each by a session of its own, in one lull on each flavor.
#[derive(Default)]
pub(super) struct Told {
    stories: Vec<Story>,
}

impl Told {
    /// `before` is what the session did before the lull, `within` what it does in it.
    pub(super) fn add(
        &mut self,
        name: &str,
        login: &Login,
        before: impl Fn(&mut Wire, Flavor) + 'static,
        within: impl Fn(&mut Wire, Flavor) + 'static,
    ) {
        self.stories.push(Story {
            name: name.to_owned(),
            login: login.clone(),
            before: Box::new(before),
            within: Box::new(within),
        });
    }

    /// None of them changes anything. A session that has written, or locks, is aborted when the lull opens.
    #[track_caller]
    pub(super) fn nothing_changes(self) {
        let mut through = Vec::new();
        for flavor in Flavor::ALL {
            let server = ground::server(flavor);
            let db = server.database();
            ground::lay(&db);
            let lull = Lull::start(&server);
            let mut clients = Vec::new();
            for story in &self.stories {
                let mut client = story.login.clone().database(&db.name).to(lull.address());
                (story.before)(&mut client, flavor);
                clients.push(client);
            }
            // Somebody must be there for the audit to ask.
            let _idle = Wire::login(lull.address(), "app", &db.name);
            lull.fenced("all", &["--drain", "200ms", "--stragglers", "abort"]);
            let mut observer = Observer::of(&db);
            let mut seen = observer.fingerprint();
            for (story, mut client) in self.stories.iter().zip(clients) {
                (story.within)(&mut client, flavor);
                let now = observer.fingerprint();
                let changes = seen.changes(&now);
                if !changes.is_empty() {
                    through.push(format!(
                        "{flavor:?}: {}\n    {}",
                        story.name,
                        changes.join("\n    ")
                    ));
                }
                seen = now;
            }
        }
        assert!(
            through.is_empty(),
            "{} ways out:\n{}",
            through.len(),
            through.join("\n")
        );
    }
}

pub(super) fn app() -> Login {
    Login::of("app").with(capability::MULTI_STATEMENTS)
}

pub(super) fn says(client: &mut Wire, texts: &[&str]) {
    for text in texts {
        client.query(text);
    }
}

/// Each in a packet of its own, all in one write.
pub(super) fn writes_at_once(client: &mut Wire, payloads: &[Vec<u8>]) {
    let bytes: Vec<u8> = payloads.iter().flat_map(|payload| framed(payload, 0).0).collect();
    client.try_send_raw(&bytes).expect("the other side takes bytes");
}

pub(super) fn raw(bytes: &[u8]) -> Vec<u8> {
    packets::command(packets::QUERY, bytes)
}

/// Multi-statements; the answer is an EOF packet.
fn switch_on(client: &mut Wire) {
    client.send(&packets::set_option(0));
    assert_eq!(client.read().payload[0], 0xfe);
}

#[test]
fn a_client_that_switches_multi_statements_on_later_is_read_as_one_that_did_at_login() {
    let mut told = Told::default();
    let messages = [
        format!("DO 0; {LIFT}"),
        format!("DO 0; {LIFT}; {WRITE}"),
        format!("SELECT 1; START TRANSACTION READ WRITE; {WRITE}; COMMIT"),
    ];
    for message in messages {
        let one = Login::of("app");
        let (later, before) = (message.clone(), message);
        told.add(
            "in the lull",
            &one,
            |_, _| {},
            move |client, _| {
                switch_on(client);
                says(client, &[&later, WRITE]);
            },
        );
        told.add(
            "before it",
            &one,
            |client, _| switch_on(client),
            move |client, _| says(client, &[&before, WRITE]),
        );
    }
    told.nothing_changes();
}

#[test]
fn a_name_that_was_to_be_prepared_anew_and_was_not_stands_for_nothing() {
    let mut told = Told::default();
    let instead = [
        // The statement fails before its turn comes.
        "SELECT nothing; PREPARE a FROM 'SELECT 1'",
        // The server cannot read these.
        "PREPARE a 'SELECT 1'",
        "PREPARE a; FROM 'SELECT 1'",
        "PREPARE a FROM 'SELECT 1'; SELEC",
        "PREPARE a FROM 'SELEC'",
        "PREPARE a FROM 'SELECT 1; SELECT 2'",
        "PREPARE a FROM 'SHOW PLUGINS' USING 1",
        "DO 0; PREPARE a FROM 'SELECT nothing'",
        "DEALLOCATE PREPARE b; PREPARE a FROM 'SELECT 1'",
    ];
    for text in instead {
        for old in [LIFT, "START TRANSACTION READ WRITE"] {
            let message = format!("PREPARE a FROM '{old}'");
            told.add(
                &format!("{old}, {text}"),
                &app(),
                move |client, _| says(client, &[&message]),
                move |client, _| {
                    let message = format!("EXECUTE a; {WRITE}; COMMIT");
                    says(client, &[text, &message, "EXECUTE a", WRITE, "COMMIT"]);
                },
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn what_was_prepared_before_the_lull_is_read_when_it_is_executed() {
    let mut told = Told::default();
    for text in [
        LIFT,
        WRITE,
        "CREATE TABLE made (id INT)",
        "DROP TABLE t",
        "CALL p_insert()",
    ] {
        let prepare = move |client: &mut Wire, _: Flavor| {
            let _ = client.prepare(text);
        };
        for flags in [0, packets::CURSOR_READ_ONLY] {
            told.add(text, &app(), prepare, move |client, _| {
                // The numbers of a session begin with 1.
                client.ask(&packets::execute(1, flags, &[]));
                says(client, &[WRITE]);
            });
        }
        told.add("as the last one", &app(), prepare, |client, flavor| {
            if flavor.is_mariadb() {
                client.ask(&packets::execute(u32::MAX, 0, &[]));
                says(client, &[WRITE]);
            }
        });
        told.add(
            "as the last one, behind a failure",
            &app(),
            prepare,
            |client, flavor| {
                if flavor.is_mariadb() {
                    let _ = client.prepare("SELECT 1");
                    let _ = client.prepare("SELEC");
                    client.ask(&packets::execute(u32::MAX, 0, &[]));
                    says(client, &[WRITE]);
                }
            },
        );
    }
    let bulk = app().with(capability::MARIADB_BULK);
    let insert = |client: &mut Wire, _: Flavor| {
        client
            .prepare("INSERT INTO t (v) VALUES (?)")
            .expect("a statement");
    };
    told.add("in bulk", &bulk, insert, |client, flavor| {
        if flavor.is_mariadb() {
            client.ask(&packets::bulk_execute(1, &[&[Some("a")], &[Some("b")]]));
            client.ask(&packets::bulk_execute(u32::MAX, &[&[Some("a")], &[Some("b")]]));
        }
    });
    told.add("with long data", &app(), insert, |client, _| {
        client.send(&packets::send_long_data(1, 0, b"long"));
        client.ask(&packets::execute(1, 0, &[Some("")]));
    });
    told.nothing_changes();
}

#[test]
fn what_a_client_leaves_behind_when_it_goes_is_not_run_either() {
    let mut told = Told::default();
    let quit = vec![packets::QUIT];
    for texts in [
        vec![LIFT, WRITE],
        vec!["START TRANSACTION READ WRITE", WRITE, "COMMIT"],
        vec!["SET TRANSACTION READ WRITE", WRITE],
        vec!["SELECT SLEEP(0.2)", LIFT, WRITE],
    ] {
        let mut payloads: Vec<Vec<u8>> = texts.iter().map(|text| packets::query(text)).collect();
        payloads.push(quit.clone());
        told.add(
            "and goes",
            &app(),
            |_, _| {},
            move |client, _| {
                writes_at_once(client, &payloads);
                client.until_closed();
            },
        );
        let payloads: Vec<Vec<u8>> = texts.iter().map(|text| packets::query(text)).collect();
        told.add(
            "and says no more",
            &app(),
            |_, _| {},
            move |client, _| {
                writes_at_once(client, &payloads);
                client.close_write();
                client.until_closed();
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn a_change_of_user_lifts_nothing_for_what_follows_in_the_same_write() {
    let mut told = Told::default();
    for user in ["app", "root", "nobody"] {
        told.add(
            user,
            &app(),
            |_, _| {},
            move |client, _| {
                let plugin = client.greeting.plugin.clone();
                let body = [
                    user.as_bytes(),
                    b"\0\0",
                    b"\0",
                    &[45, 0],
                    plugin.as_bytes(),
                    b"\0",
                ]
                .concat();
                let database = "SELECT 1";
                writes_at_once(
                    client,
                    &[
                        packets::command(packets::CHANGE_USER, &body),
                        packets::query(database),
                        packets::query(WRITE),
                        packets::query("COMMIT"),
                    ],
                );
                client.close_write();
                client.until_closed();
            },
        );
    }
    told.nothing_changes();
}

#[test]
fn a_temporary_table_is_no_door_to_one_that_lasts() {
    let mut told = Told::default();
    let merge = "CREATE TEMPORARY TABLE door (id INT NOT NULL, v VARCHAR(200), PRIMARY KEY (id)) \
                 ENGINE=MERGE UNION=(myisam) INSERT_METHOD=LAST";
    let alter =
        "CREATE TEMPORARY TABLE door (id INT NOT NULL, v VARCHAR(200), PRIMARY KEY (id)) ENGINE=MyISAM";
    for writes in [
        "INSERT INTO door VALUES (777, 'x')",
        "UPDATE door SET v = 'x'",
        "DELETE FROM door",
        "UPDATE door, t SET t.v = 'x', door.v = 'y'",
        "DELETE t FROM t JOIN door ON t.id <> door.id",
        "INSERT INTO door SELECT id + 5000, f_insert() FROM u LIMIT 1",
        "ALTER TABLE door RENAME TO made",
        "DROP TABLE door, t",
        "DROP TABLE door",
        "TRUNCATE door",
        "CREATE TABLE made LIKE door",
    ] {
        for made in [merge, alter] {
            told.add(
                &format!("{made} {writes}"),
                &app(),
                move |client, _| {
                    says(
                        client,
                        &[
                            made,
                            "INSERT INTO door SELECT 500, 'own' FROM (SELECT 1) x WHERE false",
                        ],
                    );
                },
                move |client, _| says(client, &[writes]),
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn a_straggler_that_was_aborted_finds_no_way_back() {
    let mut told = Told::default();
    let past: [&[&str]; 4] = [
        &["START TRANSACTION", "INSERT INTO u VALUES (600, 'before')"],
        &[
            "START TRANSACTION",
            "INSERT INTO u VALUES (601, 'before')",
            "SAVEPOINT a",
        ],
        &["SET autocommit = 0", "INSERT INTO u VALUES (602, 'before')"],
        &["LOCK TABLES myisam WRITE"],
    ];
    for past in past {
        for texts in [
            &["COMMIT", WRITE, "COMMIT"][..],
            &["ROLLBACK TO a", "COMMIT"],
            &["INSERT INTO u VALUES (700, 'within')", "COMMIT"],
            &["COMMIT AND CHAIN", WRITE, "COMMIT"],
            &["UNLOCK TABLES", WRITE],
            &["INSERT INTO myisam VALUES (700, 'within')"],
            &["ROLLBACK AND CHAIN", WRITE, "COMMIT"],
            &["SET autocommit = 1", WRITE],
            &["START TRANSACTION", WRITE, "COMMIT"],
        ] {
            // Rows of one key would wait for each other.
            let unique = format!("{past:?} {texts:?}");
            let number = 10_000 + unique.len() * 7 + texts.len();
            told.add(
                &unique,
                &app(),
                move |client, _| {
                    for text in past {
                        let text = text.replace("60", &format!("{number}{}", text.len()));
                        client.query("SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1");
                        client.query(&text);
                    }
                },
                move |client, _| says(client, texts),
            );
        }
    }
    told.nothing_changes();
}

#[test]
fn a_lull_forgets_what_names_stood_for_in_the_one_before() {
    for flavor in Flavor::ALL {
        let server = ground::server(flavor);
        let db = server.database();
        ground::lay(&db);
        let lull = Lull::start(&server);
        let mut client = app().database(&db.name).to(lull.address());
        lull.fenced("all", &[]);
        says(&mut client, &["PREPARE a FROM 'SELECT 1'"]);
        lull.lifted("all");
        says(&mut client, &[&format!("PREPARE a FROM '{LIFT}'")]);
        lull.fenced("all", &[]);
        let mut observer = Observer::of(&db);
        let seen = observer.fingerprint();
        says(&mut client, &["EXECUTE a", WRITE]);
        seen.assert_same(&observer.fingerprint(), "a name of another lull");
    }
}

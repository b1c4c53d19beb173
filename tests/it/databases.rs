//! Many databases on one server of MySQL or MariaDB, some of them in a lull: who is covered, who is beside, and what
//! reaches from one into the other.

mod reach;

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::support::{
    Lull,
    mysql::{Database, Flavor, Server, Wire, packets},
};

const READ_ONLY: Option<u16> = Some(1792);

/// Two databases of one server, and lull before it.
struct Ground {
    server: &'static Server,
    shop: Database<'static>,
    erp: Database<'static>,
    lull: Lull,
}

impl Ground {
    fn client(&self, database: &str) -> Wire {
        Wire::login(self.lull.address(), "app", database)
    }

    fn scope(&self) -> String {
        format!("main/{}", self.shop.name)
    }

    fn rows(&self) -> Option<String> {
        self.shop.value("SELECT COUNT(*) FROM t")
    }
}

fn on_every_server(story: impl Fn(&Ground)) {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let server = Server::shared(flavor);
        let ground = Ground {
            server,
            shop: server.database(),
            erp: server.database(),
            lull: Lull::start(server),
        };
        for database in [&ground.shop, &ground.erp] {
            database.run("CREATE TABLE t (n INT) ENGINE=InnoDB");
        }
        story(&ground);
    }
}

#[test]
fn a_session_elsewhere_writes_at_home_and_not_in_the_database_of_the_lull() {
    on_every_server(|ground| {
        let shop = &ground.shop.name;
        let mut client = ground.client(&ground.erp.name);
        client.run(&format!("INSERT INTO {shop}.t VALUES (1)"));
        ground.lull.fenced(&ground.scope(), &[]);
        client.run("INSERT INTO t VALUES (1)");
        client.run(&format!("SELECT * FROM {shop}.t"));
        for write in [
            format!("INSERT INTO {shop}.t VALUES (2)"),
            format!("INSERT INTO `{shop}` . t VALUES (2)"),
            format!("UPDATE t, {shop}.t AS o SET o.n = 3"),
            format!("DELETE o FROM t JOIN {shop}.t AS o"),
            format!("/*! INSERT INTO {shop}.t VALUES (2) */"),
            format!("CREATE TABLE {shop}.new (n INT)"),
            format!("DROP TABLE {shop}.t"),
            format!("LOCK TABLES {shop}.t WRITE"),
            format!("PREPARE p FROM 'INSERT INTO {shop}.t VALUES (2)'"),
        ] {
            assert_eq!(client.query(&write).error_code(), READ_ONLY, "{write}");
        }
        let refused = client.prepare(&format!("INSERT INTO {shop}.t VALUES (2)"));
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(ground.rows().as_deref(), Some("1"));
        ground.lull.lifted(&ground.scope());
        client.run(&format!("INSERT INTO {shop}.t VALUES (2)"));
        assert_eq!(ground.rows().as_deref(), Some("2"));
    });
}

#[test]
fn a_session_belongs_to_the_lull_of_the_database_that_it_uses_now() {
    on_every_server(|ground| {
        let (shop, erp) = (&ground.shop.name, &ground.erp.name);
        let mut client = ground.client(erp);
        ground.lull.fenced(&ground.scope(), &[]);
        let write = "INSERT INTO t VALUES (1)";
        for enter in [packets::query(&format!("USE {shop}")), packets::init_db(shop)] {
            client.ask(&enter);
            assert_eq!(client.query(write).error_code(), READ_ONLY);
            assert_eq!(client.value("SELECT DATABASE()"), Some(shop.clone()));
            client.ask(&packets::init_db(erp));
            client.run(write);
        }
        // Sent together: what follows USE is not let through before the session stands.
        client.send(&packets::init_db(shop));
        client.send(&packets::query(write));
        assert_eq!(client.results().error_code(), None);
        assert_eq!(client.results().error_code(), READ_ONLY);
        assert_eq!(ground.rows().as_deref(), Some("0"));
        ground.lull.lifted(&ground.scope());
        client.run(write);
        assert_eq!(ground.rows().as_deref(), Some("1"));
    });
}

#[test]
fn a_statement_that_was_prepared_elsewhere_before_the_lull_does_not_get_through() {
    on_every_server(|ground| {
        let shop = &ground.shop.name;
        let mut client = ground.client(&ground.erp.name);
        let into_shop = client
            .prepare(&format!("INSERT INTO {shop}.t VALUES (?)"))
            .unwrap();
        let at_home = client.prepare("INSERT INTO t VALUES (?)").unwrap();
        ground.lull.fenced(&ground.scope(), &[]);
        let refused = client.ask(&packets::execute(into_shop, 0, &[Some("1")]));
        assert_eq!(refused.error_code(), READ_ONLY);
        let done = client.ask(&packets::execute(at_home, 0, &[Some("1")]));
        assert_eq!(done.error_code(), None);
        assert_eq!(ground.rows().as_deref(), Some("0"));
    });
}

#[test]
fn what_was_prepared_in_the_database_of_the_lull_does_not_write_there_from_elsewhere() {
    on_every_server(|ground| {
        let (shop, erp) = (&ground.shop.name, &ground.erp.name);
        let mut client = ground.client(shop);
        let write = client.prepare("INSERT INTO t VALUES (?)").unwrap();
        let read = client.prepare("SELECT COUNT(*) FROM t").unwrap();
        client.run("PREPARE named FROM 'INSERT INTO t VALUES (1)'");
        client.ask(&packets::init_db(erp));
        ground.lull.fenced(&ground.scope(), &[]);
        // Its names are bound to the database in which it was prepared, not to the one that is used now.
        for _ in 0..2 {
            let refused = client.ask(&packets::execute(write, 0, &[Some("1")]));
            assert_eq!(refused.error_code(), READ_ONLY);
            assert_eq!(client.query("EXECUTE named").error_code(), READ_ONLY);
            assert_eq!(client.ask(&packets::execute(read, 0, &[])).error_code(), None);
        }
        assert_eq!(ground.rows().as_deref(), Some("0"));
        assert_eq!(ground.erp.value("SELECT COUNT(*) FROM t").as_deref(), Some("0"));
    });
}

#[test]
fn the_fence_waits_for_what_a_session_elsewhere_has_written_and_not_committed() {
    on_every_server(|ground| {
        let shop = &ground.shop.name;
        let mut client = ground.client(&ground.erp.name);
        client.run("BEGIN");
        client.run(&format!("INSERT INTO {shop}.t VALUES (1)"));
        let opened = ground.lull.on(&ground.scope(), &["--drain", "300ms"]);
        assert_eq!(opened.status.code(), Some(3), "{opened:?}");
        let told = String::from_utf8_lossy(&opened.stdout).into_owned();
        assert!(told.contains("it is in another database"), "{told}");
        // It may end, but not go on there.
        let refused = client.query(&format!("INSERT INTO {shop}.t VALUES (2)"));
        assert_eq!(refused.error_code(), READ_ONLY);
        client.run("COMMIT");
        ground.lull.fenced(&ground.scope(), &["--drain", "10s"]);
        assert_eq!(ground.rows().as_deref(), Some("1"));
    });
}

#[test]
fn the_fence_does_not_wait_for_an_account_that_cannot_write_there() {
    on_every_server(|ground| {
        let (erp, user) = (&ground.erp.name, format!("of_{}", ground.erp.name));
        let mut root = ground.server.superuser("");
        root.run(&format!("CREATE USER {user}@'%'"));
        root.run(&format!(
            "GRANT ALL PRIVILEGES ON `{}`.* TO {user}@'%'",
            erp.replace('_', "\\_")
        ));
        let mut client = Wire::login(ground.lull.address(), &user, erp);
        client.run("BEGIN");
        client.run("INSERT INTO t VALUES (1)");
        ground
            .lull
            .fenced(&ground.scope(), &["--drain", "10s", "--stragglers", "report"]);
        client.run("INSERT INTO t VALUES (2)");
        client.run("COMMIT");
        assert_eq!(ground.erp.value("SELECT COUNT(*) FROM t").as_deref(), Some("2"));
        root.run(&format!("DROP USER {user}@'%'"));
    });
}

/// How many databases have traffic, and how many of them are opened and closed meanwhile.
const DATABASES: usize = 200;
const IN_LULLS: usize = 5;
const ROUNDS: usize = 4;
/// Turns of three statements in every database, within which each of the others is written.
const TURNS_MAX: usize = 5;

#[test]
fn two_hundred_databases_have_traffic_while_lulls_open_and_close_on_some() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let server = Server::shared(flavor);
        let databases: Vec<Database<'_>> = (0..DATABASES).map(|_| server.database()).collect();
        let mut root = server.superuser("");
        for database in &databases {
            root.run(&format!("CREATE TABLE {}.t (n INT) ENGINE=InnoDB", database.name));
        }
        let lull = Lull::start(server);
        let names: Arc<Vec<String>> =
            Arc::new(databases.iter().map(|database| database.name.clone()).collect());
        let (stop, cut_off) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let answers = Arc::new(AtomicUsize::new(0));
        let ready = Arc::new(Barrier::new(9));
        let address = lull.address();
        let workers: Vec<_> = (0..8)
            .map(|at| {
                let (names, stop, cut_off, ready) =
                    (names.clone(), stop.clone(), cut_off.clone(), ready.clone());
                let answers = answers.clone();
                thread::spawn(move || {
                    let mine = names.iter().skip(at).step_by(8);
                    let mut clients: Vec<(Wire, usize)> =
                        mine.map(|name| (Wire::login(address, "app", name), 0)).collect();
                    ready.wait();
                    let mut turn = 0;
                    while !stop.load(Ordering::Relaxed) {
                        for (client, written) in &mut clients {
                            turn += 1;
                            let elsewhere = &names[turn * 7 % names.len()];
                            for sql in [
                                "INSERT INTO t VALUES (1)".to_owned(),
                                format!("INSERT INTO {elsewhere}.t VALUES (1)"),
                                format!("SELECT COUNT(*) FROM {elsewhere}.t"),
                            ] {
                                let Ok(answer) = client.try_ask(&packets::query(&sql)) else {
                                    cut_off.fetch_add(1, Ordering::Relaxed);
                                    return 0;
                                };
                                answers.fetch_add(1, Ordering::Relaxed);
                                let inserts = sql.starts_with("INSERT");
                                match answer.error_code() {
                                    None => *written += usize::from(inserts),
                                    Some(1792) if inserts => {}
                                    other => panic!("{sql}: {other:?} {:?}", answer.error_message()),
                                }
                            }
                        }
                    }
                    clients.iter().map(|(_, written)| written).sum::<usize>()
                })
            })
            .collect();
        ready.wait();
        for round in 0..ROUNDS {
            let chosen: Vec<&String> = names.iter().skip(round).step_by(DATABASES / IN_LULLS).collect();
            let count = |root: &mut Wire| -> Vec<Option<String>> {
                let of = |name: &&String| root.value(&format!("SELECT COUNT(*) FROM {name}.t"));
                chosen.iter().map(of).collect()
            };
            for name in &chosen {
                lull.fenced(&format!("main/{name}"), &["--drain", "20s"]);
            }
            let behind_the_fence = count(&mut root);
            let elsewhere = &names[round + 1];
            let before = root.value(&format!("SELECT COUNT(*) FROM {elsewhere}.t"));
            // Its turn comes behind some hundred commits and all the audits: what must not take long is one answer.
            let until = answers.load(Ordering::Relaxed) + TURNS_MAX * DATABASES * 3;
            while root.value(&format!("SELECT COUNT(*) FROM {elsewhere}.t")) == before {
                let so_far = answers.load(Ordering::Relaxed);
                assert!(so_far < until, "{flavor:?}: nothing is written in {elsewhere}");
                let goes_on = || (answers.load(Ordering::Relaxed) != so_far).then_some(());
                crate::support::eventually("the others go on", goes_on);
            }
            assert_eq!(count(&mut root), behind_the_fence, "{flavor:?}, round {round}");
            for name in &chosen {
                lull.lifted(&format!("main/{name}"));
            }
        }
        stop.store(true, Ordering::Relaxed);
        let acknowledged: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!(cut_off.load(Ordering::Relaxed), 0, "nobody is cut off");
        let rows = |name: &String| root.value(&format!("SELECT COUNT(*) FROM {name}.t"));
        let kept: usize = names
            .iter()
            .filter_map(rows)
            .filter_map(|count| count.parse::<usize>().ok())
            .sum();
        assert_eq!(
            kept, acknowledged,
            "{flavor:?}: what was acknowledged is there, and nothing else"
        );
    }
}

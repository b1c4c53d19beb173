//! What a database of MySQL or MariaDB can hide from a lexer: routines, views, triggers and foreign keys, in the database
//! of a lull and beside it. Each way out is shown to be one where lull is not in its way.

use std::fs;

use crate::support::{
    Lull,
    mysql::{Database, Flavor, Login, Server, Wire, packets, packets::capability},
};

const READ_ONLY: Option<u16> = Some(1792);

/// One way out: what is there, and what is sent. `{rw}` is the session's setting, `{out}` a file, `{me}` the account.
struct Way {
    /// As the audit calls it; empty where it has nothing to say.
    object: &'static str,
    on: &'static [Flavor],
    setup: &'static [&'static str],
    reach: &'static [&'static str],
}

const BOTH: &[Flavor] = &Flavor::ALL;

/// Only MariaDB lets a function change the session.
const MARIADB: &[Flavor] = &[Flavor::MariaDb];

const IN_A_LULL: &[Way] = &[
    Way {
        object: "function {db}.lifts",
        on: MARIADB,
        setup: &["CREATE DEFINER={me} FUNCTION lifts() RETURNS INT DETERMINISTIC \
             BEGIN SET SESSION {rw} = 0; RETURN 1; END"],
        reach: &["SELECT lifts(); INSERT INTO t VALUES (1)"],
    },
    Way {
        object: "view {db}.sees",
        on: MARIADB,
        setup: &["CREATE DEFINER={me} VIEW sees AS SELECT lifts() AS x"],
        reach: &["SELECT * FROM sees; INSERT INTO t VALUES (2)"],
    },
    Way {
        object: "view {db}.sees_too",
        on: MARIADB,
        setup: &["CREATE DEFINER={me} VIEW sees_too AS SELECT x FROM sees"],
        reach: &["SELECT x FROM `sees_too`; INSERT INTO t VALUES (3)"],
    },
    Way {
        object: "function {db}.asks",
        on: MARIADB,
        setup: &[
            "CREATE DEFINER={me} PROCEDURE set_it() BEGIN SET @@session.{rw} = 0; END",
            "CREATE DEFINER={me} FUNCTION asks() RETURNS INT DETERMINISTIC BEGIN CALL set_it(); RETURN 1; END",
        ],
        reach: &["DO asks(); INSERT INTO t VALUES (4)"],
    },
    Way {
        object: "procedure {db}.commits",
        on: BOTH,
        setup: &["CREATE DEFINER={me} PROCEDURE commits() \
             BEGIN COMMIT; START TRANSACTION READ WRITE; INSERT INTO t VALUES (5); COMMIT; END"],
        reach: &["CALL commits()", "CALL commits"],
    },
    Way {
        object: "procedure {db}.calls_it",
        on: BOTH,
        setup: &["CREATE DEFINER={me} PROCEDURE calls_it() BEGIN CALL commits(); END"],
        reach: &["CALL calls_it()"],
    },
    Way {
        object: "procedure {db}.builds",
        on: BOTH,
        setup: &[
            "CREATE DEFINER={me} PROCEDURE builds() BEGIN SET @s = CONCAT('SET SESSION ', '{rw}', ' = 0'); \
             PREPARE s FROM @s; EXECUTE s; INSERT INTO t VALUES (6); END",
        ],
        reach: &["CALL builds()"],
    },
    Way {
        object: "function {db}.leaks",
        on: BOTH,
        setup: &[
            // Not of the account, which cannot see the body.
            "CREATE FUNCTION leaks() RETURNS INT DETERMINISTIC \
             BEGIN DECLARE n INT DEFAULT 1; SELECT 7 INTO OUTFILE '{out}'; RETURN n; END",
        ],
        reach: &["SELECT leaks()"],
    },
    Way {
        object: "view {db}.leaks_too",
        on: BOTH,
        setup: &["CREATE DEFINER={me} VIEW leaks_too AS SELECT leaks() AS x"],
        reach: &["SELECT * FROM leaks_too"],
    },
];

/// For sessions of another database, which may write there; `{shop}` is in the lull, `{log}` is a third.
const BESIDE: &[Way] = &[
    Way {
        object: "",
        on: BOTH,
        setup: &["CREATE DEFINER={me} VIEW v AS SELECT n FROM {shop}.t"],
        reach: &["INSERT INTO v VALUES (1)"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &["CREATE DEFINER={me} VIEW vv AS SELECT n FROM v"],
        reach: &["INSERT INTO `VV` VALUES (2)", "INSERT INTO vv VALUES (2)"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &["CREATE DEFINER={me} FUNCTION f() RETURNS INT DETERMINISTIC \
             BEGIN INSERT INTO {shop}.t VALUES (3); RETURN 1; END"],
        reach: &["SELECT f()", "DO f()", "INSERT INTO plain VALUES (f())"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &["CREATE DEFINER={me} VIEW calls AS SELECT f() AS x"],
        reach: &["SELECT * FROM calls"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &["CREATE DEFINER={me} PROCEDURE p() INSERT INTO vv VALUES (4)"],
        reach: &["CALL p()", "CALL p"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &[
            "CREATE TABLE watched (n INT)",
            "CREATE DEFINER={me} TRIGGER tr AFTER INSERT ON watched FOR EACH ROW CALL p()",
        ],
        reach: &["INSERT INTO watched VALUES (5)"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &[
            "CREATE TABLE parent (n INT PRIMARY KEY)",
            "CREATE TABLE {shop}.child (n INT, FOREIGN KEY (n) REFERENCES {erp}.parent (n) ON DELETE CASCADE)",
            "INSERT INTO parent VALUES (1), (2), (3), (4)",
            "INSERT INTO {shop}.child VALUES (1), (2), (3), (4)",
        ],
        reach: &["DELETE FROM parent ORDER BY n LIMIT 1"],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &[
            "CREATE DEFINER={me} VIEW {log}.w AS SELECT n FROM {shop}.t",
            "CREATE TABLE {log}.seen (n INT)",
            "CREATE DEFINER={me} TRIGGER {log}.tr AFTER INSERT ON {log}.seen FOR EACH ROW INSERT INTO w VALUES (6)",
        ],
        reach: &[
            "INSERT INTO {log}.w VALUES (6)",
            "INSERT INTO {log}.seen VALUES (6)",
        ],
    },
    Way {
        object: "",
        on: BOTH,
        setup: &[
            "CREATE TABLE logged (n INT)",
            "CREATE DEFINER={me} TRIGGER tr2 AFTER INSERT ON logged FOR EACH ROW INSERT INTO {log}.seen VALUES (7)",
        ],
        reach: &["INSERT INTO logged VALUES (7)"],
    },
];

/// Three databases and an account that sees these and no others.
struct Ground {
    server: &'static Server,
    shop: Database<'static>,
    erp: Database<'static>,
    log: Database<'static>,
    account: String,
}

impl Ground {
    fn new(flavor: Flavor) -> Self {
        let server = Server::shared(flavor);
        let (shop, erp, log) = (server.database(), server.database(), server.database());
        let account = format!("of_{}", shop.name);
        let mut root = server.superuser("");
        root.run(&format!("CREATE USER {account}@'%'"));
        for database in [&shop, &erp, &log] {
            let pattern = database.name.replace('_', "\\_");
            root.run(&format!("GRANT ALL PRIVILEGES ON `{pattern}`.* TO {account}@'%'"));
            root.run(&format!("CREATE TABLE {}.t (n INT)", database.name));
            root.run(&format!("CREATE TABLE {}.plain (n INT)", database.name));
        }
        Self {
            server,
            shop,
            erp,
            log,
            account,
        }
    }

    fn fill(&self, text: &str) -> String {
        let out = self.server.outside_directory().join(&self.shop.name);
        text.replace("{rw}", self.server.flavor.read_only_variable())
            .replace("{out}", &out.display().to_string())
            .replace("{me}", &format!("{}@'%'", self.account))
            .replace("{db}", &self.shop.name)
            .replace("{shop}", &self.shop.name)
            .replace("{erp}", &self.erp.name)
            .replace("{log}", &self.log.name)
    }

    fn set_up<'w>(&self, ways: &'w [Way], database: &Database<'_>) -> Vec<&'w Way> {
        let flavor = self.server.flavor;
        let here: Vec<&Way> = ways.iter().filter(|way| way.on.contains(&flavor)).collect();
        let mut root = database.superuser();
        for sql in here.iter().flat_map(|way| way.setup) {
            root.run(&self.fill(sql));
        }
        here
    }

    /// A session that may send several statements at once.
    fn session(&self, address: std::net::SocketAddr, database: &Database<'_>) -> Wire {
        let login = Login::of(&self.account).database(&database.name);
        login.with(capability::MULTI_STATEMENTS).to(address)
    }

    /// What a way out would have changed in the database of the lull, or outside. A file is taken away when seen.
    fn changes(&self) -> Vec<Option<String>> {
        let mut seen = vec![self.shop.value("SELECT COUNT(*) FROM t")];
        let mut root = self.shop.superuser();
        let child = root.query("SELECT COUNT(*) FROM child");
        seen.push(child.value().map(str::to_owned));
        let file = self.server.outside_directory().join(&self.shop.name);
        seen.push(fs::remove_file(file).is_ok().then(|| "a file".to_owned()));
        seen
    }

    /// Sends it as a text, and prepared where it is one statement.
    fn send(client: &mut Wire, text: &str) {
        client.query(text);
        client.query("ROLLBACK");
        if let Ok(statement) = client.prepare(text) {
            client.ask(&packets::execute(statement, 0, &[]));
            client.send(&packets::close(statement));
        }
        client.query("ROLLBACK");
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let mut root = self.server.superuser("");
        // Its parent is in another database.
        root.query(&format!("DROP TABLE IF EXISTS {}.child", self.shop.name));
        root.query(&format!("DROP USER {}@'%'", self.account));
    }
}

#[test]
fn nothing_that_a_mysql_database_hides_is_reached_in_a_lull() {
    for flavor in Flavor::ALL {
        let ground = Ground::new(flavor);
        let ways = ground.set_up(IN_A_LULL, &ground.shop);
        for text in ways.iter().flat_map(|way| way.reach) {
            // Where tables have case, a name in another one is another.
            let before = ground.changes();
            let mut guarded = ground.session(ground.server.address, &ground.shop);
            guarded.run("SET SESSION TRANSACTION READ ONLY");
            let answer = guarded.query(&ground.fill(text));
            let missing = answer.error_code() == Some(1146);
            assert!(
                missing || ground.changes() != before,
                "{flavor:?}: {text} is no way out: {answer:?}"
            );
        }
        let lull = Lull::start(ground.server);
        let mut client = ground.session(lull.address(), &ground.shop);
        let opened = lull.fenced(&format!("main/{}", ground.shop.name), &[]);
        let told = opened["audit"].to_string();
        ground.changes();
        let before = ground.changes();
        for way in &ways {
            assert!(
                told.contains(&ground.fill(way.object)),
                "{flavor:?}: {} is not in {told}",
                way.object
            );
            for text in way.reach {
                Ground::send(&mut client, &ground.fill(text));
                assert_eq!(ground.changes(), before, "{flavor:?}: {text}");
            }
        }
    }
}

#[test]
fn nothing_of_another_database_reaches_into_the_one_in_a_lull() {
    for flavor in Flavor::ALL {
        let ground = Ground::new(flavor);
        let ways = ground.set_up(BESIDE, &ground.erp);
        for text in ways.iter().flat_map(|way| way.reach) {
            let before = ground.changes();
            let answer = ground
                .session(ground.server.address, &ground.erp)
                .query(&ground.fill(text));
            let missing = answer.error_code() == Some(1146);
            assert!(
                missing || ground.changes() != before,
                "{flavor:?}: {text} is no way out: {answer:?}"
            );
        }
        let lull = Lull::start(ground.server);
        let mut client = ground.session(lull.address(), &ground.erp);
        lull.fenced(&format!("main/{}", ground.shop.name), &[]);
        let before = ground.changes();
        for text in ways.iter().flat_map(|way| way.reach) {
            Ground::send(&mut client, &ground.fill(text));
            assert_eq!(ground.changes(), before, "{flavor:?}: {text}");
        }
        // What is its own affair goes on, and reading does.
        for text in [
            "INSERT INTO plain VALUES (1)",
            "INSERT INTO {log}.plain VALUES (1)",
            "SELECT * FROM v",
            "SELECT * FROM {shop}.t",
        ] {
            client.run(&ground.fill(text));
        }
        lull.lifted(&format!("main/{}", ground.shop.name));
        client.run("INSERT INTO vv VALUES (8)");
        assert_ne!(ground.changes(), before);
    }
}

#[test]
fn harmless_routines_and_views_are_not_hindered_in_a_lull_on_mysql() {
    for flavor in Flavor::ALL {
        let ground = Ground::new(flavor);
        let mut root = ground.shop.superuser();
        let me = format!("{}@'%'", ground.account);
        for n in 0..100 {
            root.run(&format!(
                "CREATE DEFINER={me} FUNCTION f{n}(a INT) RETURNS INT DETERMINISTIC RETURN a + {n}"
            ));
            root.run(&format!(
                "CREATE DEFINER={me} VIEW v{n} AS SELECT f{n}(o.n) AS n FROM t AS o"
            ));
            root.run(&format!(
                "CREATE DEFINER={me} PROCEDURE p{n}() BEGIN DECLARE a INT; SET a = f{n}(1); SELECT a; END"
            ));
        }
        let commits = "BEGIN UPDATE plain SET n = 1; COMMIT; END";
        for name in ["commits", "allowed"] {
            root.run(&format!("CREATE DEFINER={me} PROCEDURE {name}() {commits}"));
        }
        let allow = format!("audit_allow = [\"{}.allowed\"]", ground.shop.name);
        let lull = Lull::with_config(ground.server, |at| at.config(&allow, ""));
        let mut client = ground.session(lull.address(), &ground.shop);
        let opened = lull.fenced(&format!("main/{}", ground.shop.name), &[]);
        assert_eq!(opened["audit"].as_array().map(Vec::len), Some(1), "{opened}");
        for n in 0..100 {
            assert_eq!(
                client.value(&format!("SELECT f{n}(1)")),
                Some((n + 1).to_string())
            );
            client.run(&format!("SELECT n FROM v{n}"));
            assert_eq!(client.value(&format!("CALL p{n}()")), Some((n + 1).to_string()));
        }
        assert_eq!(client.query("CALL commits()").error_code(), READ_ONLY);
        // The operator answers for it; the guard still stands.
        let allowed = client.query("CALL allowed()");
        assert_eq!(allowed.error_code(), READ_ONLY);
        let servers_own = allowed.error_message().unwrap_or_default();
        assert!(
            !servers_own.contains("could write behind the lull"),
            "{servers_own}"
        );
    }
}

#[test]
fn an_event_is_named_where_the_server_runs_events() {
    for flavor in Flavor::ALL {
        let ground = Ground::new(flavor);
        ground.shop.superuser().run(
            "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM t",
        );
        let runs = ground.server.value("SELECT @@GLOBAL.event_scheduler");
        let lull = Lull::start(ground.server);
        let _client = ground.session(lull.address(), &ground.shop);
        let opened = lull.fenced(&format!("main/{}", ground.shop.name), &[]);
        let told = opened["audit"].to_string();
        let named = told.contains(&format!("event {}.nightly", ground.shop.name));
        assert_eq!(named, runs.as_deref() == Some("ON"), "{flavor:?}: {told}");
    }
}

#[test]
fn a_transaction_from_before_the_lull_writes_nothing_by_reading() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let server = Server::shared(flavor);
        let db = server.database();
        let lull = Lull::start(server);
        let mut root = db.superuser();
        root.run("CREATE TABLE t (n INT) ENGINE=InnoDB");
        root.run("SET GLOBAL log_bin_trust_function_creators = 1");
        let me = "DEFINER='app'@'%'";
        root.run(&format!(
            "CREATE {me} FUNCTION notes() RETURNS INT BEGIN INSERT INTO t VALUES (1); RETURN 1; END"
        ));
        root.run(&format!("CREATE {me} VIEW noting AS SELECT notes() AS n"));
        // It does write where nothing forbids it.
        db.run("SELECT * FROM noting");
        let rows = || db.value("SELECT COUNT(*) FROM t");
        assert_eq!(rows().as_deref(), Some("1"), "{flavor:?}");
        let mut client = Wire::login(lull.address(), "app", &db.name);
        client.run("BEGIN");
        client.run("SELECT * FROM t");
        lull.fenced(&format!("main/{}", db.name), &[]);
        for read in ["SELECT * FROM noting", "SELECT notes()", "SELECT * FROM `Noting`"] {
            assert_eq!(client.query(read).error_code(), Some(1792), "{flavor:?}: {read}");
        }
        client.run("SELECT * FROM t");
        client.run("COMMIT");
        // The guard stops it from here on.
        assert_eq!(
            client.query("SELECT * FROM noting").error_code(),
            Some(1792),
            "{flavor:?}"
        );
        assert_eq!(rows().as_deref(), Some("1"), "{flavor:?}");
    }
}

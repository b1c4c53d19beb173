//! Dialogues with a server that has these objects.

mod elsewhere;

use super::question::tests::row;
use super::*;
use crate::sql::mysql::{Charset, Dialect, Flavor, SqlModes, analyze};

const FUNCTION: &str = "FUNCTION";
const PROCEDURE: &str = "PROCEDURE";

type Answer = Vec<Option<Vec<u8>>>;

/// What the catalogs of one server hold; the session is in `erp`.
#[derive(Default)]
struct Catalogs {
    /// Visible besides `erp`.
    databases: Vec<&'static str>,
    rows: Vec<(&'static str, Answer)>,
    followers: Vec<Answer>,
    loadable: Vec<Answer>,
    allowed: Vec<String>,
    beforehand: Beforehand,
}

impl Catalogs {
    fn seeing(databases: &[&'static str]) -> Self {
        Self {
            databases: databases.to_vec(),
            ..Self::default()
        }
    }

    fn routine(mut self, kind: &str, name: &str, body: Option<&str>) -> Self {
        let (database, name) = split(name);
        let cells = [Some(database), Some(name), Some(kind), body, None, None, None];
        self.rows.push((database, row('r', cells)));
        self
    }

    fn function(self, name: &str, body: &str) -> Self {
        self.routine(FUNCTION, name, Some(body))
    }

    fn procedure(self, name: &str, body: &str) -> Self {
        self.routine(PROCEDURE, name, Some(body))
    }

    fn view(mut self, name: &str, body: &str) -> Self {
        let (database, name) = split(name);
        let cells = [Some(database), Some(name), None, Some(body), None, None, None];
        self.rows.push((database, row('v', cells)));
        self
    }

    fn trigger(mut self, table: &str, body: &str) -> Self {
        let (database, table) = split(table);
        let cells = [
            Some(database),
            Some("tr"),
            Some(table),
            Some(body),
            None,
            None,
            None,
        ];
        self.rows.push((database, row('t', cells)));
        self
    }

    fn event(mut self, name: &str, status: &str, body: &str) -> Self {
        let (database, name) = split(name);
        let cells = [
            Some(database),
            Some(name),
            Some(status),
            Some(body),
            None,
            None,
            None,
        ];
        self.rows.push((database, row('e', cells)));
        self
    }

    fn allow(mut self, name: &str) -> Self {
        self.allowed.push(name.to_owned());
        self
    }

    /// Answers until the audit is done.
    fn audit(&self) -> Outcome {
        let mut audit = Audit::new(&self.allowed, self.beforehand.clone());
        let mut step = audit.begin();
        for _ in 0..20 {
            let text = match step {
                Step::Done(outcome) => return outcome,
                Step::Ask(text) => text,
            };
            let awaits = audit.awaits;
            step = audit.answer(self.answer(awaits, &text)).unwrap();
        }
        panic!("the audit does not end");
    }

    fn answer(&self, awaits: Awaits, text: &str) -> Rows {
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let rows = self.rows.iter().filter(|(database, _)| wanted(database));
            rows.map(|(_, row)| row.clone()).collect::<Rows>()
        };
        match awaits {
            Awaits::Survey => {
                let version = Some("10.11.19-MariaDB");
                let session = [Some("erp"), version, Some("app@%"), None, None, None, Some("ON")];
                let mut rows = vec![row('s', session)];
                let databases = self.databases.iter().copied().chain(["erp", "mysql"]);
                rows.extend(databases.take(LISTED).map(visible));
                if !self.loadable.is_empty() {
                    let cells = [
                        Some("mysql"),
                        Some("func"),
                        None,
                        Some("select,insert"),
                        None,
                        None,
                        None,
                    ];
                    rows.push(row('l', cells));
                }
                rows.extend(of(&|database| database == "erp"));
                rows
            }
            Awaits::Functions => self.loadable.clone(),
            Awaits::Elsewhere => {
                let asked = |database: &str| {
                    let digits: String = database.bytes().map(|b| format!("{b:02x}")).collect();
                    text.contains(&format!("X'{digits}'"))
                };
                let there = self.databases.iter().copied().filter(|database| asked(database));
                let mut rows: Rows = there.map(visible).collect();
                rows.extend(of(&asked));
                rows
            }
            Awaits::Followers => self.followers.clone(),
            Awaits::Nothing => panic!("no question is out"),
        }
    }
}

fn visible(database: &str) -> Answer {
    row('d', [Some(database), None, None, None, None, None, None])
}

fn split(name: &str) -> (&'static str, &'static str) {
    let (database, name) = name.split_once('.').unwrap();
    (
        Box::leak(database.to_owned().into_boxed_str()),
        Box::leak(name.to_owned().into_boxed_str()),
    )
}

fn foreign_key(child: &str, parent: &str, on_delete: &str) -> Answer {
    let ((below, child), (above, parent)) = (split(child), split(parent));
    let cells = [
        Some(below),
        Some(child),
        Some(parent),
        Some("RESTRICT"),
        Some(above),
        None,
        Some(on_delete),
    ];
    row('k', cells)
}

fn script(text: &str) -> Script {
    let dialect = Dialect {
        flavor: Flavor::MariaDb,
        version: 101_119,
        charset: Charset::Utf8,
        modes: SqlModes::default(),
    };
    analyze(text.as_bytes(), dialect, false)
}

impl Outcome {
    fn refuses(&self, text: &str) -> bool {
        script(text)
            .mentioned(text.as_bytes(), &self.audited.words)
            .is_some()
    }

    fn reaches(&self, database: &str, text: &str) -> bool {
        let found = self
            .audited
            .reaching(database, text.as_bytes(), &script(text), false);
        found.is_some()
    }

    fn reaches_by_reading(&self, database: &str, text: &str) -> bool {
        let found = self
            .audited
            .reaching(database, text.as_bytes(), &script(text), true);
        found.is_some()
    }

    fn why(&self, object: &str) -> &str {
        let found = self.findings.iter().find(|finding| finding.object == object);
        found.map_or("nothing", |finding| &finding.why)
    }
}

#[test]
fn a_database_without_anything_strange_is_cleared_by_one_question() {
    let outcome = Catalogs::default()
        .function("erp.net", "RETURN gross * 0.81")
        .procedure("erp.report", "SELECT o.total FROM orders o")
        .view(
            "erp.open",
            "select `erp`.`orders`.`id` AS `id` from `erp`.`orders`",
        )
        .audit();
    assert_eq!(outcome.findings, []);
    assert!(outcome.audited.words.is_empty());
    assert!(outcome.audited.may_call(b"REPORT"));
    assert!(!outcome.audited.may_call(b"unknown"));
    assert!(!outcome.audited.reaches("shop"));
}

#[test]
fn a_function_that_lifts_is_refused_and_so_is_what_reaches_it() {
    let outcome = Catalogs::default()
        .function("erp.lift", "BEGIN SET SESSION tx_read_only = 0; RETURN 1; END")
        .function("erp.through", "RETURN 1 + `lift`()")
        .view("erp.near", "select `through`() AS `x`")
        .view("erp.far", "select `erp`.`near`.`x` AS `x` from `erp`.`near`")
        .function(
            "erp.fine",
            "BEGIN DECLARE lift INT; SET lift = 1; RETURN lift; END",
        )
        .audit();
    for text in [
        "SELECT LIFT()",
        "SELECT through()",
        "TABLE near",
        "SELECT * FROM `far`",
    ] {
        assert!(outcome.refuses(text), "{text}");
    }
    assert!(!outcome.refuses("SELECT fine()"));
    assert_eq!(
        outcome.why("function erp.lift"),
        "changes settings that keep a session read-only"
    );
    assert_eq!(outcome.why("view erp.far"), "reaches view erp.near");
}

#[test]
fn what_writes_and_nothing_more_is_left_to_the_guard() {
    let outcome = Catalogs::default()
        .function("erp.number", "BEGIN UPDATE counters SET n = n + 1; RETURN 1; END")
        .procedure("erp.book", "BEGIN INSERT INTO ledger (a) VALUES (number()); END")
        .audit();
    assert_eq!(outcome.findings, []);
    assert!(outcome.audited.may_call(b"book"));
}

#[test]
fn a_procedure_can_be_called_if_all_that_it_runs_is_known() {
    let outcome = Catalogs::default()
        .procedure("erp.commits", "BEGIN UPDATE t SET n = 1; COMMIT; END")
        .procedure("erp.outer1", "CALL commits()")
        .procedure("erp.outer2", "BEGIN CALL erp.commits; END")
        .procedure(
            "erp.builds",
            "BEGIN SET @s = 'x'; PREPARE s FROM @s; EXECUTE s; END",
        )
        .routine(PROCEDURE, "erp.unseen", None)
        .procedure("erp.outer3", "CALL unseen()")
        .procedure("erp.away", "CALL hidden.p()")
        .procedure("erp.fine", "CALL fine2()")
        .procedure("erp.fine2", "SELECT 1")
        .audit();
    for name in [
        "commits", "outer1", "outer2", "builds", "unseen", "outer3", "away",
    ] {
        assert!(!outcome.audited.may_call(name.as_bytes()), "{name}");
        let why = outcome.why(&format!("procedure erp.{name}"));
        assert!(why.ends_with("it cannot be called in a lull"), "{name}: {why}");
    }
    assert!(outcome.audited.may_call(b"fine") && outcome.audited.may_call(b"fine2"));
    assert!(
        outcome
            .why("procedure erp.unseen")
            .starts_with("cannot be seen by app@%")
    );
    assert!(
        outcome
            .why("procedure erp.outer1")
            .starts_with("reaches procedure erp.commits")
    );
}

#[test]
fn what_the_operator_allows_neither_is_refused_nor_leads_anywhere() {
    let catalogs = Catalogs::default()
        .procedure("erp.commits", "COMMIT")
        .routine(FUNCTION, "erp.unseen", None)
        .view("erp.v", "select `unseen`() AS `x`");
    assert!(catalogs.audit().refuses("TABLE v"));
    let outcome = catalogs.allow("erp.unseen").allow("commits").audit();
    assert_eq!(outcome.findings, []);
    assert!(!outcome.refuses("SELECT x, unseen() FROM v"));
    assert!(outcome.audited.may_call(b"commits"));
    assert!(!outcome.reaches("shop", "CALL commits()"));
}

#[test]
fn views_routines_and_triggers_that_write_elsewhere_are_found_to_any_depth() {
    let outcome = Catalogs::seeing(&["shop", "crm"])
        .view("erp.v", "select `shop`.`o`.`n` AS `n` from `shop`.`o`")
        .view("erp.vv", "select `erp`.`v`.`n` AS `n` from `erp`.`v`")
        .procedure("erp.p", "UPDATE vv SET n = 1")
        .procedure("erp.reads", "SELECT n FROM vv")
        .function("erp.f", "BEGIN INSERT INTO shop.o VALUES (1); RETURN 1; END")
        .view("erp.calls", "select `f`() AS `x`")
        .trigger("erp.t", "CALL p()")
        .procedure("erp.writes_t", "INSERT INTO t VALUES (1)")
        .audit();
    for text in [
        "INSERT INTO v VALUES (1)",
        "DELETE FROM VV",
        "CALL p()",
        "DO f()",
        "INSERT INTO x SELECT * FROM `calls`",
        "INSERT INTO erp.t VALUES (1)",
        "CALL writes_t()",
    ] {
        assert!(outcome.reaches("shop", text), "{text}");
        assert!(!outcome.reaches("crm", text), "{text}");
    }
    assert!(!outcome.reaches("shop", "CALL reads()"));
    assert!(!outcome.reaches("shop", "INSERT INTO u VALUES (1)"));
    assert!(outcome.reaches_by_reading("shop", "SELECT * FROM calls"));
    assert!(!outcome.reaches_by_reading("shop", "SELECT * FROM vv"));
}

#[test]
fn a_table_whose_children_are_elsewhere_is_found_if_they_change_with_it() {
    let mut catalogs = Catalogs::seeing(&["shop"]);
    catalogs.followers = vec![
        foreign_key("shop.lines", "erp.parts", "CASCADE"),
        foreign_key("shop.notes", "erp.people", "RESTRICT"),
    ];
    catalogs
        .rows
        .push(("erp", foreign_key("erp.parts", "erp.makers", "SET NULL")));
    let outcome = catalogs.audit();
    assert!(outcome.reaches("shop", "DELETE FROM parts"));
    assert!(outcome.reaches("shop", "DELETE FROM makers"));
    assert!(!outcome.reaches("shop", "DELETE FROM people"));
}

#[test]
fn what_is_reached_through_another_database_is_followed_there() {
    let outcome = Catalogs::seeing(&["log", "shop"])
        .trigger("erp.orders", "INSERT INTO log.lines VALUES (1)")
        .trigger("erp.plain", "INSERT INTO log.other VALUES (1)")
        .trigger("log.lines", "UPDATE shop.counts SET n = n + 1")
        .function("shop.f", "BEGIN INSERT INTO counts VALUES (1); RETURN 1; END")
        .view("shop.v", "select `f`() AS `x`")
        .audit();
    assert!(outcome.reaches("shop", "DELETE FROM orders"));
    assert!(!outcome.reaches("shop", "DELETE FROM plain"));
    // Also where the statement itself names that database.
    assert!(outcome.reaches("shop", "INSERT INTO log.lines VALUES (1)"));
    assert!(!outcome.reaches("shop", "INSERT INTO lines VALUES (1)"));
    assert!(!outcome.reaches("shop", "INSERT INTO log.other VALUES (1)"));
    assert!(outcome.reaches_by_reading("shop", "SELECT * FROM shop.v"));
    assert!(!outcome.reaches_by_reading("shop", "SELECT * FROM shop.counts"));
}

#[test]
fn what_reaches_a_database_that_cannot_be_seen_reaches_everything() {
    let outcome = Catalogs::default()
        .trigger("erp.orders", "INSERT INTO hidden.lines VALUES (NEW.id)")
        .view("erp.v", "select `hidden`.`o`.`n` AS `n` from `hidden`.`o`")
        .trigger(
            "erp.fine",
            "UPDATE stock s SET s.n = s.n - NEW.n WHERE s.id = OLD.id",
        )
        .audit();
    assert!(outcome.reaches("shop", "DELETE FROM orders"));
    assert!(outcome.reaches("shop", "DELETE FROM v"));
    assert!(!outcome.reaches("shop", "DELETE FROM fine"));
    assert!(outcome.refuses("SELECT * FROM v"));
    assert_eq!(
        outcome.why("view erp.v"),
        "reaches the database hidden, which app@% cannot see"
    );
}

#[test]
fn an_account_that_sees_many_databases_has_only_those_followed_that_are_named() {
    let names: Vec<&'static str> = (0..100).map(|n| &*format!("site_{n}").leak()).collect();
    let outcome = Catalogs::seeing(&names)
        .trigger("erp.t", "INSERT INTO site_7.t VALUES (1)")
        .audit();
    assert!(outcome.reaches("site_7", "DELETE FROM t"));
    assert!(!outcome.reaches("site_8", "DELETE FROM t"));
    let unknown = |text: &str| outcome.audited.unknown(text.as_bytes(), &script(text));
    assert_eq!(unknown("INSERT INTO site_8.t VALUES (1)"), ["site_8"]);
    assert_eq!(unknown("PREPARE p FROM 'DELETE FROM site_8.t'"), ["site_8"]);
    assert!(unknown("INSERT INTO site_7.t VALUES (1)").is_empty());
    assert!(unknown("UPDATE erp.t AS o SET o.n = 1").is_empty());
}

#[test]
fn an_event_is_told_to_people_and_refuses_no_word() {
    let outcome = Catalogs::default()
        .event("erp.nightly", "ENABLED", "DELETE FROM old")
        .event("erp.off", "DISABLED", "DELETE FROM old")
        .event("erp.looks", "ENABLED", "SELECT 1")
        .audit();
    let objects: Vec<_> = outcome.findings.iter().map(|f| f.object.as_str()).collect();
    assert_eq!(objects, ["event erp.nightly"]);
    assert!(outcome.why("event erp.nightly").contains("ALTER EVENT"));
    assert!(outcome.audited.words.is_empty());
}

#[test]
fn loadable_functions_are_refused_where_the_account_may_know_them() {
    let mut catalogs = Catalogs::default();
    let named = |name| row('l', [None, Some(name), None, None, None, None, None]);
    catalogs.loadable = vec![named("run_program"), named("mysqlx_error")];
    let outcome = catalogs.audit();
    assert!(outcome.refuses("SELECT run_program('x')"));
    assert_eq!(outcome.findings.len(), 1);
}

#[test]
fn a_name_with_letters_above_ascii_is_found_however_it_is_spelled() {
    let outcome = Catalogs::default()
        .function("erp.größe", "BEGIN SET SESSION tx_read_only = 0; RETURN 1; END")
        .function("erp.mehr", "RETURN GRÖSSE() + GRÖßE()")
        .audit();
    assert!(outcome.refuses("SELECT mehr()"));
}

#[test]
fn an_answer_to_no_question_is_an_error() {
    assert!(Audit::new(&[], Beforehand::default()).answer(Vec::new()).is_err());
    let mut audit = Audit::new(&[], Beforehand::default());
    audit.begin();
    assert!(audit.answer(Vec::new()).is_err());
}

//! What operators can see: every figure is there, says what it is, and moves when it should.

use super::counted;
use crate::support::places::{Account, Scratch, project};
use crate::support::tls::Certificate;
use crate::support::{Database, Lull, Postgres, Version, Wire, eventually, frames, http};
use std::collections::BTreeSet;

/// Every name that operators were promised, as far as it applies to one PostgreSQL primary.
const PROMISED: &[&str] = &[
    "lull_mode",
    "lull_lull_started_timestamp_seconds",
    "lull_lull_deadline_timestamp_seconds",
    "lull_generation",
    "lull_fence_reached",
    "lull_fence_waiting_sessions",
    "lull_fence_duration_seconds",
    "lull_sessions",
    "lull_stragglers",
    "lull_stragglers_ended_total",
    "lull_refusals_total",
    "lull_reasserts_total",
    "lull_wait_seconds",
    "lull_write_leaks_total",
    "lull_guard_alarms_total",
    "lull_client_sessions",
    "lull_logins_total",
    "lull_login_duration_seconds",
    "lull_sessions_ended_total",
    "lull_limit_hits_total",
    "lull_cancels_total",
    "lull_upstream_up",
    "lull_upstream_sessions",
    "lull_upstream_connect_seconds",
    "lull_upstream_errors_total",
    "lull_certificate_expiry_timestamp_seconds",
    "lull_statements_total",
    "lull_bytes_total",
    "lull_transactions_open",
    "lull_build_info",
    "lull_config_reload_timestamp_seconds",
    "lull_config_reload_success",
    "lull_worker_busy_seconds_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
];

/// A lull with a straggler, a deadline and a certificate: then every family has a sample.
struct Busy<'a> {
    lull: Lull,
    _writer: Wire,
    _db: Database<'a>,
    _certificate: Scratch,
}

impl Busy<'_> {
    fn new() -> Self {
        let server = Postgres::shared(Version::Newest);
        let db = server.database();
        db.run("CREATE TABLE t (n int)");
        let scratch = Scratch::new("tls", Account::own());
        let lull = Lull::with_config(server.address, |addresses| {
            let mine = Certificate::make(&scratch, "front", Account::own());
            let tls = format!(
                "[cluster.tls]\ncert = \"{}\"\nkey = \"{}\"",
                mine.cert.display(),
                mine.key.display()
            );
            addresses.config("straggler_grace = \"2s\"", &tls)
        });
        let mut writer = Wire::login(lull.address(), "app", &db.name);
        writer.run("BEGIN; INSERT INTO t VALUES (1)");
        // Somebody must be there who can be asked about the catalogs.
        let _idle = Wire::login(lull.address(), "app", &db.name);
        let on = lull.on(
            "all",
            &["--drain", "300ms", "--stragglers", "report", "--for", "1h"],
        );
        assert_eq!(on.status.code(), Some(3), "{on:?}");
        Self {
            lull,
            _writer: writer,
            _db: db,
            _certificate: scratch,
        }
    }
}

#[test]
fn every_promised_metric_is_there_with_its_help_and_type() {
    let busy = Busy::new();
    let text = busy.lull.metrics();
    for name in PROMISED {
        let help = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# HELP {name} ")));
        assert!(help.is_some_and(|help| help.len() > 5), "{name} has no HELP");
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} has no TYPE");
        assert!(has_samples(&text, name), "{name} has no sample:\n{text}");
    }
    // A counter is called one, and a unit stands in its name.
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
    }
}

fn has_samples(text: &str, name: &str) -> bool {
    let of = |line: &str| {
        let series = line.split(['{', ' ']).next().unwrap_or_default();
        series == name
            || ["_bucket", "_sum", "_count"]
                .iter()
                .any(|suffix| series.strip_suffix(suffix) == Some(name))
    };
    text.lines().any(of)
}

#[test]
fn counters_are_there_before_the_first_client_so_that_a_rate_has_a_beginning() {
    let lull = Lull::start(Postgres::shared(Version::Newest));
    let text = lull.metrics();
    for name in [
        "lull_refusals_total",
        "lull_limit_hits_total",
        "lull_write_leaks_total",
        "lull_guard_alarms_total",
    ] {
        assert_eq!(http::metric(&text, name), Some(0.0), "{name}");
    }
}

#[test]
fn a_session_moves_what_it_should_and_nothing_else() {
    let server = Postgres::shared(Version::Newest);
    let db = server.database();
    db.run("CREATE TABLE t (n int)");
    let lull = Lull::start(server);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    assert_eq!(lull.metric("lull_client_sessions"), 1.0);
    assert_eq!(lull.metric("lull_logins_total{result=\"ok\"}"), 1.0);
    assert_eq!(
        lull.metric("lull_sessions{mode=\"normal\",standing=\"true\"}"),
        1.0
    );
    client.run("BEGIN");
    assert_eq!(lull.metric("lull_transactions_open"), 1.0);
    client.run("COMMIT");
    client.extended("SELECT 1", &[]);
    assert_eq!(lull.metric("lull_transactions_open"), 0.0);
    assert_eq!(lull.metric("lull_statements_total"), 3.0);
    assert!(lull.metric("lull_bytes_total{direction=\"from_client\"}") > 30.0);
    assert_eq!(
        lull.metric("lull_wait_seconds_count"),
        0.0,
        "without a lull nothing waits for lull"
    );
    lull.fenced("all", &[]);
    assert_eq!(lull.metric("lull_mode{mode=\"read-only\"}"), 1.0);
    assert_eq!(lull.metric("lull_fence_reached"), 1.0);
    assert_eq!(lull.metric("lull_fence_duration_seconds_count"), 1.0);
    assert_eq!(
        lull.metric("lull_sessions{mode=\"read-only\",standing=\"true\"}"),
        1.0
    );
    client.query("DELETE FROM t");
    client.query("VACUUM t");
    client.query("SET default_transaction_read_only = off");
    client.query("SELECT 1");
    assert_eq!(lull.metric("lull_refusals_total{class=\"write\"}"), 1.0);
    assert_eq!(lull.metric("lull_refusals_total{class=\"leak\"}"), 1.0);
    assert_eq!(lull.metric("lull_refusals_total"), 2.0);
    assert_eq!(lull.metric("lull_reasserts_total{cause=\"session\"}"), 1.0);
    lull.lifted("all");
    drop(client);
    counted(&lull, "lull_sessions_ended_total{who=\"client\",why=\"closed\"}");
    eventually("the session is gone", || {
        (lull.metric("lull_client_sessions") == 0.0).then_some(())
    });
    assert_eq!(lull.metric("lull_upstream_errors_total"), 0.0);
    assert_eq!(lull.metric("lull_limit_hits_total"), 0.0);
}

#[test]
fn what_a_statement_waits_because_of_a_lull_is_measured() {
    let server = Postgres::shared(Version::Newest);
    let db = server.database();
    let lull = Lull::start(server);
    let mut client = Wire::login(lull.address(), "app", &db.name);
    lull.fenced("all", &[]);
    // The second waits in lull until the first is answered.
    client.send(&[frames::query("SELECT pg_sleep(0.2)"), frames::query("SELECT 2")].concat());
    client.until_ready();
    client.until_ready();
    let text = lull.metrics();
    assert_eq!(http::metric(&text, "lull_wait_seconds_count"), Some(1.0));
    let waited = http::metric(&text, "lull_wait_seconds_sum").unwrap();
    assert!((0.1..5.0).contains(&waited), "{waited}");
}

#[test]
fn stragglers_are_counted_by_their_fate() {
    for (policy, how) in [("terminate", "terminated"), ("report", "reported")] {
        assert_counted_by_fate(policy, how);
    }
}

#[test]
fn aborted_stragglers_are_counted_by_their_fate() {
    assert_counted_by_fate("abort", "aborted");
}

#[track_caller]
fn assert_counted_by_fate(policy: &str, how: &str) {
    let db = Postgres::shared(Version::Newest).database();
    db.run("CREATE TABLE t (n int)");
    let lull = Lull::start(db.server);
    let mut writer = Wire::login(lull.address(), "app", &db.name);
    writer.run("BEGIN; INSERT INTO t VALUES (1)");
    let on = lull.on("all", &["--drain", "200ms", "--stragglers", policy]);
    let reports = policy == "report";
    assert_eq!(
        on.status.code(),
        Some(if reports { 3 } else { 0 }),
        "{policy}: {on:?}"
    );
    let of_fate = format!("lull_stragglers_ended_total{{how=\"{how}\"}}");
    assert_eq!(lull.metric(&of_fate), 1.0, "{policy}");
    assert_eq!(lull.metric("lull_stragglers_ended_total"), 1.0, "{policy}");
    let waiting = if reports { 1.0 } else { 0.0 };
    assert_eq!(lull.metric("lull_stragglers"), waiting, "{policy}");
    assert_eq!(lull.metric("lull_fence_reached"), 1.0 - waiting, "{policy}");
}

#[test]
fn a_reload_that_fails_is_seen_and_so_is_the_next_that_does_not() {
    let server = Postgres::shared(Version::Newest);
    let mut good = String::new();
    let lull = Lull::with_config(server.address, |addresses| {
        good = addresses.config("", "");
        good.clone()
    });
    assert_eq!(lull.metric("lull_config_reload_success"), 1.0);
    lull.write_config("nonsense");
    lull.signal("HUP");
    eventually("the failure shows", || {
        (lull.metric("lull_config_reload_success") == 0.0).then_some(())
    });
    lull.write_config(&good);
    assert!(lull.cli(&["reload"]).status.success());
    assert_eq!(lull.metric("lull_config_reload_success"), 1.0);
}

#[test]
fn health_is_who_answers_and_readiness_ends_when_lull_stops() {
    let server = Postgres::shared(Version::Newest);
    let db = server.database();
    let lull = Lull::start(server);
    let page = |path| http::get(lull.addresses.metrics, path).ok();
    assert_eq!(page("/healthz"), Some((200, "ok\n".to_owned())));
    assert_eq!(page("/readyz"), Some((200, "ready\n".to_owned())));
    let mut client = Wire::login(lull.address(), "app", &db.name);
    client.run("BEGIN");
    lull.signal("TERM");
    eventually("it is not ready", || (page("/readyz")?.0 == 503).then_some(()));
    assert_eq!(page("/healthz").map(|(status, _)| status), Some(200));
    client.send(&frames::query("COMMIT")).until_closed();
    assert_eq!(lull.wait(), Some(0));
}

/// The names of metrics in a text of PromQL, however it is wrapped.
fn names_in(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let named = |word: &&str| (word.starts_with("lull_") || word.starts_with("process_")) && word.len() > 5;
    text.split(word).filter(named).map(str::to_owned).collect()
}

#[test]
fn the_dashboard_and_the_alerts_speak_of_metrics_that_exist() {
    let busy = Busy::new();
    let text = busy.lull.metrics();
    let read = |path: &str| std::fs::read_to_string(project(path)).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&read("deploy/grafana/lull.json")).unwrap();
    let mut queries = Vec::new();
    collect(&dashboard, "expr", &mut queries);
    collect(&dashboard, "query", &mut queries);
    let alerts = read("deploy/prometheus/alerts.yml");
    let rules: String = alerts
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    queries.push(rules);
    let names: BTreeSet<String> = queries.iter().flat_map(|query| names_in(query)).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let known = text
            .lines()
            .any(|line| line.split(['{', ' ']).next() == Some(&name));
        assert!(known, "{name} is in no scrape");
    }
}

fn collect(value: &serde_json::Value, key: &str, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            into.extend(
                fields
                    .get(key)
                    .and_then(|value| value.as_str())
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| collect(value, key, into));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, key, into)),
        _ => {}
    }
}

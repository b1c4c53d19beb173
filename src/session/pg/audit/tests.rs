//! Whole runs, with rows as the servers gave them.

use super::question::tests::row;
use super::*;
use crate::sql::pg::{Conforming, Encoding, Modes};

const NOTHING: Option<&str> = None;

fn routine(id: &str, name: &str, language: &str, body: &str) -> Vec<Option<Vec<u8>>> {
    routine_of(id, name, language, body, None)
}

fn routine_of(
    id: &str,
    name: &str,
    language: &str,
    body: &str,
    extension: Option<&str>,
) -> Vec<Option<Vec<u8>>> {
    let cells = ["routine", id, "public", name, "int4, _text", language].map(Some);
    row(&[&cells[..], &[extension, NOTHING, Some(body)]].concat())
}

fn used(catalog: &str, id: &str, function: &str) -> Vec<Option<Vec<u8>>> {
    row(&[&["use", catalog, id, function].map(Some)[..], &[NOTHING; 5]].concat())
}

/// `via`, `kind`, `name` and `extra` of an object that `reach` found.
fn reached(node: (&str, &str), mode: &str, via: (&str, &str), what: [&str; 3]) -> Vec<Option<Vec<u8>>> {
    let [kind, name, extra] = what;
    let cells = [node.0, node.1, mode, via.0, via.1, kind, "public", name, extra].map(Some);
    row(&[&cells[..], &[NOTHING, NOTHING]].concat())
}

const SEED: (&str, &str) = ("", "0");

fn begun(allowed: &[&str]) -> Audit {
    let mut audit = Audit::new(&allowed.iter().map(|&a| a.to_owned()).collect::<Vec<_>>());
    assert!(matches!(audit.begin(), Step::Ask(text) if text.contains("pg_proc")));
    audit
}

fn asked(step: Result<Step, String>) -> String {
    match step {
        Ok(Step::Ask(text)) => text,
        other => panic!("no question: {other:?}"),
    }
}

fn done(step: Result<Step, String>) -> Outcome {
    match step {
        Ok(Step::Done(outcome)) => outcome,
        other => panic!("not done: {other:?}"),
    }
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome
        .findings
        .iter()
        .map(|f| format!("{}: {}", f.object, f.why))
        .collect()
}

fn mentions(outcome: &Outcome, text: &str) -> bool {
    let modes = Modes {
        standard_conforming_strings: Conforming::On,
        encoding: Encoding::Safe,
        server_major: 18,
    };
    outcome
        .words
        .mentioned(text.as_bytes(), &modes)
        .unwrap()
        .is_some()
}

#[test]
fn a_clean_database_is_cleared_by_one_question() {
    let outcome = done(begun(&[]).answer(vec![
        routine(
            "16400",
            "f",
            "plpgsql",
            "BEGIN RETURN 'EXECUTE x'; -- EXECUTE y\nEND",
        ),
        routine("16401", "g", "sql", "SELECT 1"),
        used("pg_rewrite", "16402", "pg_sleep"),
    ]));
    assert!(outcome.findings.is_empty() && outcome.words.is_empty() && outcome.oids.is_empty());
}

#[test]
fn a_view_over_a_view_over_a_routine_is_refused_and_says_why() {
    let mut audit = begun(&[]);
    let question = asked(audit.answer(vec![routine("16400", "f", "plpgsql", "BEGIN EXECUTE x; END")]));
    assert!(question.contains("'pg_proc'::pg_catalog.name, '16400'"));
    let outcome = done(audit.answer(vec![
        reached(("pg_class", "2"), "a", ("pg_rewrite", "12"), ["v", "v2", ""]),
        reached(("pg_rewrite", "12"), "a", ("pg_class", "1"), ["", "", ""]),
        reached(("pg_class", "1"), "a", ("pg_rewrite", "11"), ["v", "v1", ""]),
        reached(("pg_rewrite", "11"), "a", ("pg_proc", "16400"), ["", "", ""]),
        reached(("pg_proc", "16400"), "a", SEED, ["f", "f", "int4, _text"]),
    ]));
    assert_eq!(
        lines(&outcome),
        [
            "function public.f(integer, text[]): runs SQL that it builds itself",
            "view public.v1: reaches function public.f(integer, text[])",
            "view public.v2: reaches view public.v1",
        ]
    );
    assert!(mentions(&outcome, "SELECT * FROM v2") && mentions(&outcome, "SELECT \"f\"(1, '{}')"));
    assert!(!mentions(&outcome, "SELECT * FROM v3"));
    assert!(outcome.oids.contains(&16400));
}

#[test]
fn a_body_that_names_what_was_found_is_found_in_the_next_round() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![
        routine("16400", "f", "plpgsql", "BEGIN PERFORM lo_create(0); END"),
        routine("16401", "g", "sql", "SELECT public.f(1, '{}')"),
        routine("16402", "h", "sql", "SELECT g(1, NULL)"),
    ]));
    let f = || reached(("pg_proc", "16400"), "a", SEED, ["f", "f", ""]);
    let g = || reached(("pg_proc", "16401"), "a", SEED, ["f", "g", ""]);
    let h = || reached(("pg_proc", "16402"), "a", SEED, ["p", "h", ""]);
    assert!(asked(audit.answer(vec![f()])).contains("'16401'"));
    assert!(asked(audit.answer(vec![f(), g()])).contains("'16402'"));
    let outcome = done(audit.answer(vec![f(), g(), h()]));
    assert_eq!(
        lines(&outcome),
        [
            "function public.f(): calls lo_create()",
            "function public.g(): reaches function public.f()",
            "procedure public.h(): reaches function public.g()",
        ]
    );
}

#[test]
fn an_expression_is_read_only_where_its_arguments_decide() {
    let mut audit = begun(&[]);
    let question = asked(audit.answer(vec![
        used("pg_rewrite", "11", "set_config"),
        used("pg_rewrite", "12", "set_config"),
        used("pg_operator", "13", "set_config"),
    ]));
    assert!(question.contains("pg_get_ruledef"));
    let text = |id, text| row(&["pg_rewrite", id, text].map(Some));
    let question = asked(audit.answer(vec![
        text("11", "SELECT set_config('app.user'::text, 'x'::text, true)"),
        text("12", "SELECT set_config(v.name, 'x'::text, true)"),
    ]));
    assert!(question.contains("'12'") && !question.contains("'11'"));
    assert!(
        question.contains("'13'"),
        "what cannot be printed is refused as it is"
    );
}

#[test]
fn what_the_operator_allows_is_neither_refused_nor_followed() {
    let suspicious = || {
        vec![
            routine("16400", "f", "plpgsql", "BEGIN EXECUTE x; END"),
            routine_of("16401", "g", "plv8", "x", Some("helper")),
            row(&[&[Some("foreign"), Some("16402")][..], &[NOTHING; 7]].concat()),
        ]
    };
    let all = ["public.f(int,text[])", "extension:helper", "foreign-tables"];
    assert!(done(begun(&all).answer(suspicious())).findings.is_empty());
    let question = asked(begun(&["public.f"]).answer(suspicious()));
    let (barriers, seeds) = question.split_once("followed").unwrap();
    assert!(barriers.contains("'16400'") && !seeds.contains("'16400'"));
    assert!(barriers.contains("ARRAY['public.f']::pg_catalog.text[]"));
}

#[test]
fn what_only_writes_reach_may_be_read() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![used("pg_rewrite", "11", "pg_notify")]));
    let outcome = done(audit.answer(vec![
        reached(("pg_rewrite", "11"), "a", SEED, ["", "", ""]),
        reached(("pg_class", "1"), "w", ("pg_rewrite", "11"), ["r", "bells", ""]),
    ]));
    assert_eq!(
        lines(&outcome),
        ["table public.bells: calls pg_notify(), when something is written to it"]
    );
    assert!(!mentions(&outcome, "SELECT * FROM bells") && mentions(&outcome, "INSERT INTO bells VALUES (1)"));
}

#[test]
fn an_operator_is_refused_by_its_symbol_or_by_its_types() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![routine("1", "f", "c", "f")]));
    let outcome = done(audit.answer(vec![
        reached(("pg_proc", "1"), "a", SEED, ["f", "f", ""]),
        reached(
            ("pg_operator", "2"),
            "a",
            ("pg_proc", "1"),
            ["s", "|>|", "int4, int4"],
        ),
        reached(
            ("pg_operator", "3"),
            "a",
            ("pg_proc", "1"),
            ["t", "+", "coin, coin"],
        ),
        reached(("pg_type", "4"), "a", ("pg_operator", "3"), ["c", "coin", ""]),
        reached(
            ("pg_cast", "5"),
            "a",
            ("pg_proc", "1"),
            ["s", "timestamptz", "line"],
        ),
    ]));
    assert!(mentions(&outcome, "SELECT 1 |>| 2") && !mentions(&outcome, "SELECT 1 + 2"));
    assert!(mentions(&outcome, "SELECT x::coin"));
    assert!(mentions(&outcome, "SELECT CAST(x AS timestamp with time zone)"));
    let lines = lines(&outcome).join("\n");
    assert!(lines.contains("function public.f(): is written in c, which cannot be read"));
    assert!(lines.contains("type public.coin: stands for operator public.+(coin, coin)"));
    assert!(lines.contains("cast from line to timestamp with time zone: reaches function public.f()"));
}

#[test]
fn an_extension_that_cannot_be_read_is_one_finding() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![
        routine_of("1", "f", "c", "f", Some("strange")),
        routine_of("2", "g", "c", "g", Some("strange")),
    ]));
    let member = |id, name| {
        let cells = ["pg_proc", id, "a", "", "0", "f", "public", name, ""].map(Some);
        row(&[&cells[..], &[Some("common"), Some("strange")]].concat())
    };
    let outcome = done(audit.answer(vec![member("1", "f"), member("2", "g")]));
    assert_eq!(
        lines(&outcome),
        ["extension strange: has 2 routines that cannot be read; \"extension:strange\" allows it"]
    );
    assert!(mentions(&outcome, "SELECT g(1)"));
}

#[test]
fn a_name_that_others_have_too_says_how_to_allow_it() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![routine("1", "count", "plpgsql", "BEGIN EXECUTE x; END")]));
    let cells = ["pg_proc", "1", "a", "", "0", "f", "public", "count", ""].map(Some);
    let outcome = done(audit.answer(vec![row(&[&cells[..], &[Some("common"), NOTHING]].concat())]));
    assert!(
        lines(&outcome)
            .concat()
            .contains("unless \"public.count\" is allowed")
    );
    assert!(mentions(&outcome, "SELECT count(*) FROM t"));
}

#[test]
fn a_function_that_runs_at_login_is_told_with_its_trigger() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![
        routine("1", "greets", "plpgsql", "BEGIN EXECUTE x; END"),
        row(&[&["login", "1", "hello"].map(Some)[..], &[NOTHING; 6]].concat()),
    ]));
    let outcome = done(audit.answer(vec![reached(("pg_proc", "1"), "a", SEED, ["t", "greets", ""])]));
    assert!(
        lines(&outcome)
            .concat()
            .contains("event trigger hello: runs trigger function public.greets()")
    );
}

#[test]
fn an_answer_that_was_not_asked_for_or_is_not_understood_ends_the_audit() {
    assert!(Audit::new(&[]).answer(Vec::new()).is_err());
    assert!(begun(&[]).answer(vec![vec![None]]).is_err());
    let strange = row(&[&[Some("surprise")][..], &[NOTHING; 8]].concat());
    assert!(begun(&[]).answer(vec![strange]).is_err());
    let stored_otherwise = row(&[&[Some("strange")][..], &[NOTHING; 8]].concat());
    assert!(begun(&[]).answer(vec![stored_otherwise]).is_err());
}

#[test]
fn an_audit_can_be_run_again() {
    let mut audit = begun(&[]);
    asked(audit.answer(vec![routine("1", "f", "plpgsql", "BEGIN EXECUTE x; END")]));
    assert!(matches!(audit.begin(), Step::Ask(_)));
    assert!(done(audit.answer(Vec::new())).findings.is_empty());
}

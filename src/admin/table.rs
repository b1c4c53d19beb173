//! Answers as the rows that psql shows, and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Answer,
    answer::{FenceState, Opened, Repointed, Session, Status, UpstreamState},
    verb::{Format, VERBS, Verb},
};
use crate::gate::timestamp;

pub(super) type Row = Vec<Option<String>>;

/// Known before anything runs: a client may ask for them first. None for verbs that give no rows.
pub(super) fn columns(verb: &Verb, format: Format) -> Option<&'static [&'static str]> {
    let columns: &[_] = match verb {
        Verb::Keep | Verb::Nothing(_) => return None,
        _ if format == Format::Json => &["json"],
        Verb::On(_) => &[
            "scope",
            "generation",
            "sessions",
            "fenced",
            "fenced_ms",
            "position",
            "stragglers",
            "note",
        ],
        Verb::Off { .. } => &[
            "scope",
            "generation",
            "existed",
            "sessions",
            "waiting",
            "closed_ms",
        ],
        Verb::Lulls => &[
            "scope",
            "since",
            "until",
            "by",
            "reason",
            "drain",
            "stragglers",
            "generation",
        ],
        Verb::Fence => &[
            "scope",
            "generation",
            "reached",
            "fenced_ms",
            "position",
            "waiting",
        ],
        Verb::Sessions => &[
            "id",
            "cluster",
            "database",
            "user",
            "application_name",
            "client",
            "bypass",
            "mode",
            "standing",
            "generation",
            "transaction",
            "wrote",
            "age",
            "transaction_age",
            "last_tag",
            "stays",
        ],
        Verb::Upstreams => &[
            "cluster",
            "role",
            "address",
            "up",
            "sessions",
            "last_connect_ms",
            "last_error",
            "fit",
            "position",
            "lag_ms",
            "replay_paused",
            "timeline",
        ],
        Verb::Status { .. } => &["what", "value"],
        Verb::Help => &["verb", "takes", "does"],
        Verb::Repoint(_) => &[
            "cluster", "primary", "before", "position", "timeline", "system", "note",
        ],
        Verb::Reload | Verb::Shutdown => &["result"],
    };
    Some(columns)
}

pub(super) fn json(verb: &Verb, answer: &Answer) -> String {
    // Not by way of a `Value`, which would sort the keys.
    let text = match (verb, answer) {
        (Verb::Lulls, Answer::Status(status)) => serde_json::to_string(&status.lulls),
        (Verb::Fence, Answer::Status(status)) => serde_json::to_string(&status.fences),
        (_, Answer::Opened(opened)) => serde_json::to_string(opened),
        (_, Answer::Closed(closed)) => serde_json::to_string(closed),
        (_, Answer::Status(status)) => serde_json::to_string(status),
        (_, Answer::Sessions(sessions)) => serde_json::to_string(sessions),
        (_, Answer::Upstreams(upstreams)) => serde_json::to_string(upstreams),
        (_, Answer::Repointed(repointed)) => serde_json::to_string(repointed),
        (_, Answer::Done(text)) => serde_json::to_string(&json!({ "done": text })),
    };
    // It fails on maps whose keys are no strings, of which there is none.
    text.unwrap_or_else(|wrong| json!({ "error": wrong.to_string() }).to_string())
}

pub(super) fn rows(verb: &Verb, answer: &Answer) -> Vec<Row> {
    match (verb, answer) {
        (Verb::Lulls, Answer::Status(status)) => lulls(status),
        (Verb::Fence, Answer::Status(status)) => status.fences.iter().map(fence).collect(),
        (_, Answer::Status(status)) => state(status),
        (_, Answer::Opened(opened)) => vec![self::opened(opened)],
        (_, Answer::Closed(closed)) => vec![vec![
            text(&closed.scope),
            text(closed.generation),
            text(closed.existed),
            text(closed.sessions),
            text(closed.waiting),
            text(closed.closed_ms),
        ]],
        (_, Answer::Sessions(sessions)) => sessions.iter().map(session).collect(),
        (_, Answer::Upstreams(upstreams)) => upstreams.iter().map(upstream).collect(),
        (_, Answer::Repointed(repointed)) => vec![self::repointed(repointed)],
        (_, Answer::Done(done)) => vec![vec![text(done)]],
    }
}

pub(super) fn help(format: Format) -> Vec<Row> {
    if format == Format::Json {
        let verbs: Vec<Value> = VERBS
            .iter()
            .map(|(verb, takes, does)| json!({"verb": verb, "takes": takes, "does": does}))
            .collect();
        return vec![vec![text(Value::from(verbs))]];
    }
    VERBS
        .iter()
        .map(|(verb, takes, does)| vec![text(verb), text(takes), text(does)])
        .collect()
}

fn text(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

fn opened(opened: &Opened) -> Row {
    let position = opened.position.clone().or_else(|| positions(&opened.positions));
    vec![
        text(&opened.scope),
        text(opened.generation),
        text(opened.sessions),
        text(opened.fenced),
        text(opened.fenced_ms),
        position,
        text(opened.stragglers.len()),
        opened.note.clone(),
    ]
}

/// `0/1A2B`, or `crm 0/1A2B, shop 0/2F00` where there are several clusters.
fn positions(positions: &std::collections::BTreeMap<String, String>) -> Option<String> {
    match positions.len() {
        0 => None,
        1 => positions.values().next().cloned(),
        _ => {
            let each: Vec<_> = positions
                .iter()
                .map(|(cluster, position)| format!("{cluster} {position}"))
                .collect();
            Some(each.join(", "))
        }
    }
}

fn lulls(status: &Status) -> Vec<Row> {
    let row = |lull: &std::sync::Arc<crate::gate::Lull>| {
        let request = &lull.request;
        let policy = format!("{:?}", request.stragglers).to_lowercase();
        vec![
            text(&request.scope),
            text(timestamp(lull.since_unix_ms)),
            request.until_unix_ms.map(timestamp),
            text(&request.by),
            text(&request.reason),
            text(age(request.drain_ms)),
            text(policy),
            text(lull.generation),
        ]
    };
    status.lulls.iter().map(row).collect()
}

fn fence(fence: &FenceState) -> Row {
    vec![
        text(&fence.scope),
        text(fence.generation),
        text(fence.reached),
        fence.fenced_ms.and_then(text),
        positions(&fence.positions),
        text(fence.waiting),
    ]
}

fn session(session: &Session) -> Row {
    vec![
        text(&session.id),
        text(&session.cluster),
        text(&session.database),
        text(&session.user),
        text(&session.application_name),
        text(&session.client),
        text(session.bypass),
        text(&session.mode),
        text(session.standing),
        text(session.generation),
        text(&session.transaction),
        session.wrote.and_then(text),
        text(age(session.age_ms)),
        text(age(session.transaction_ms)),
        text(&session.last_tag),
        session.stays.clone(),
    ]
}

fn upstream(upstream: &UpstreamState) -> Row {
    vec![
        text(&upstream.cluster),
        text(&upstream.role),
        text(&upstream.address),
        upstream.up.and_then(text),
        text(upstream.sessions),
        upstream.last_connect_ms.and_then(text),
        upstream.last_error.clone(),
        upstream.fit.and_then(text),
        upstream.position.clone(),
        upstream.lag_ms.and_then(text),
        upstream.replay_paused.and_then(text),
        upstream.timeline.and_then(text),
    ]
}

fn repointed(repointed: &Repointed) -> Row {
    vec![
        text(&repointed.cluster),
        text(&repointed.primary),
        text(&repointed.before),
        repointed.position.clone(),
        repointed.timeline.and_then(text),
        repointed.system.clone(),
        repointed.note.clone(),
    ]
}

fn state(status: &Status) -> Vec<Row> {
    let row = |what: &str, value: String| vec![text(what), Some(value)];
    let mut rows = vec![row("generation", status.generation.to_string())];
    for lull in &status.lulls {
        rows.push(row(
            &format!("lull {}", lull.request.scope),
            format!("since {}", timestamp(lull.since_unix_ms)),
        ));
    }
    for count in &status.sessions {
        let standing = if count.standing {
            "standing"
        } else {
            "not standing yet"
        };
        rows.push(row(
            &format!("sessions {}, {}, {standing}", count.cluster, count.mode),
            count.count.to_string(),
        ));
    }
    rows.push(row("stragglers", status.stragglers.len().to_string()));
    rows.push(row("refusals", status.refusals.to_string()));
    rows.push(row("write leaks", status.write_leaks.to_string()));
    rows.push(row("guard alarms", status.guard_alarms.to_string()));
    rows
}

/// `1h 2m`, `3s`, `250ms`: two units at most.
pub(crate) fn age(ms: u64) -> String {
    let rounded = if ms >= 10_000 { ms - ms % 1000 } else { ms };
    let whole = humantime::format_duration(Duration::from_millis(rounded)).to_string();
    whole.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Closed, verb};
    use super::*;
    use crate::gate::Scope;

    fn shape(text: &str, answer: &Answer) -> (usize, Vec<usize>) {
        let ask = verb::parse(text).unwrap().unwrap();
        let columns = columns(&ask.verb, ask.format).unwrap().len();
        (columns, rows(&ask.verb, answer).iter().map(Vec::len).collect())
    }

    #[test]
    fn every_row_has_as_many_fields_as_there_are_columns() {
        let status = Status {
            fences: vec![FenceState::default()],
            ..Status::default()
        };
        for (text, answer) in [
            ("LULL ON", Answer::Opened(Box::default())),
            ("LULL OFF", Answer::Closed(Closed::default())),
            ("SHOW SESSIONS", Answer::Sessions(vec![Session::default()])),
            (
                "SHOW UPSTREAMS",
                Answer::Upstreams(vec![UpstreamState::default()]),
            ),
            ("SHOW FENCE", Answer::Status(status.clone())),
            ("SHOW STATUS", Answer::Status(status)),
            (
                "LULL REPOINT shop (PRIMARY 'b:1')",
                Answer::Repointed(Repointed::default()),
            ),
            ("RELOAD", Answer::Done("done".into())),
        ] {
            let (columns, rows) = shape(text, &answer);
            assert!(
                !rows.is_empty() && rows.iter().all(|&fields| fields == columns),
                "{text}"
            );
        }
        assert!(help(Format::Table).iter().all(|row| row.len() == 3));
    }

    #[test]
    fn json_is_what_the_contract_says() {
        let verb = Verb::Off { scope: Scope::all() };
        let opened = Opened {
            scope: "shop".parse().unwrap(),
            fenced: true,
            position: Some("0/1".into()),
            ..Opened::default()
        };
        let json: Value = serde_json::from_str(&json(&verb, &Answer::Opened(Box::new(opened)))).unwrap();
        for key in [
            "scope",
            "generation",
            "sessions",
            "fenced_ms",
            "position",
            "stragglers",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!(json["scope"], "shop");
    }

    #[test]
    fn ages_are_short() {
        for (ms, text) in [(0, "0s"), (250, "250ms"), (12_345, "12s"), (3_723_000, "1h 2m")] {
            assert_eq!(age(ms), text);
        }
    }
}

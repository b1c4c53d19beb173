//! Answers for people.

use super::output::{aligned, plain};
use crate::{
    admin::{Closed, FenceState, OnReplicas, Opened, Repointed, Session, Status, age},
    gate::{Lull, timestamp},
};

pub(super) fn opened(opened: &Opened) -> String {
    let mut lines = Vec::new();
    let took = age(opened.fenced_ms);
    if opened.fenced {
        lines.push(format!(
            "{}: fenced after {took}, {} covered",
            opened.scope,
            sessions_of(opened.sessions)
        ));
        match &opened.position {
            Some(position) => lines.push(format!("  position {position}")),
            None => {
                lines.extend(
                    opened
                        .positions
                        .iter()
                        .map(|(cluster, at)| format!("  position {at} on {cluster}")),
                );
            }
        }
    } else {
        lines.push(format!(
            "{}: the fence was NOT reached within {took}: writes may still happen",
            opened.scope
        ));
    }
    for straggler in &opened.stragglers {
        lines.push(format!("  {:<10}  {}", straggler.fate, who(&straggler.session)));
        lines.extend(
            straggler
                .why
                .iter()
                .map(|why| format!("              {}", plain(why))),
        );
    }
    for prepared in &opened.prepared {
        let (gid, owner, database) = (
            plain(&prepared.gid),
            plain(&prepared.owner),
            plain(&prepared.database),
        );
        lines.push(format!(
            "  prepared    transaction {gid:?} of {owner} in {database}, since {}",
            prepared.prepared_at
        ));
    }
    for finding in &opened.audit {
        let (object, database) = (plain(&finding.object), plain(&finding.database));
        lines.push(format!(
            "  refused     {object} in {database}: {}",
            plain(&finding.why)
        ));
    }
    lines.extend(opened.replicas.iter().flat_map(on_replicas));
    lines.extend(opened.warnings.iter().map(|warning| self::warning(warning)));
    lines.extend(opened.note.iter().map(|note| format!("  {note}")));
    lines.push(format!(
        "  End it with: lull off {}",
        shell(&opened.scope.to_string())
    ));
    lines.join("\n")
}

fn on_replicas(moved: &OnReplicas) -> Vec<String> {
    let mut lines = vec![format!(
        "  replicas    {} moved after {}, {} to follow at the end of a transaction",
        sessions_of(moved.sessions),
        age(moved.moved_ms),
        moved.to_follow
    )];
    for stayed in &moved.stayed {
        let (user, database, client) = (&stayed.user, &stayed.database, &stayed.client);
        lines.push(format!(
            "  stays       {}  {}@{} from {}: {}",
            stayed.session,
            plain(user),
            plain(database),
            plain(client),
            plain(&stayed.why)
        ));
    }
    lines.extend(
        moved
            .unfit
            .iter()
            .map(|why| format!("  not used    {}", plain(why))),
    );
    lines
}

pub(super) fn closed(closed: &Closed) -> String {
    let Closed {
        scope,
        existed,
        sessions,
        waiting,
        closed_ms,
        ..
    } = closed;
    if !existed {
        return format!("{scope}: no lull was open");
    }
    let back = format!(
        "{scope}: the lull is over for {} after {}",
        sessions_of(*sessions),
        age(*closed_ms)
    );
    match waiting {
        0 => back,
        n => format!(
            "{back}\n  {} to follow at the end of a transaction",
            sessions_of(*n)
        ),
    }
}

pub(super) fn repointed(repointed: &Repointed) -> String {
    let Repointed {
        cluster,
        primary,
        before,
        ..
    } = repointed;
    let mut text = if before == primary {
        format!("{cluster}: the primary is {primary}, as before")
    } else {
        format!("{cluster}: the primary is {primary} now, no longer {before}")
    };
    if let Some(position) = &repointed.position {
        text.push_str(&format!("\n  position {position}"));
    }
    if let Some(timeline) = repointed.timeline {
        text.push_str(&format!(", timeline {timeline}"));
    }
    if let Some(note) = &repointed.note {
        text.push_str(&format!("\n  {note}"));
    }
    text
}

pub(super) fn status(status: &Status, now_unix_ms: u64) -> String {
    let mut lines = Vec::new();
    if status.lulls.is_empty() {
        lines.push("No lull is open.".to_owned());
    }
    for lull in &status.lulls {
        lines.push(one_lull(lull, now_unix_ms));
        lines.extend(
            status
                .fences
                .iter()
                .filter(|fence| fence.scope == lull.request.scope)
                .map(fence),
        );
    }
    if !status.sessions.is_empty() {
        let head = ["CLUSTER", "MODE", "STANDING", "SESSIONS"]
            .map(str::to_owned)
            .to_vec();
        let row = |count: &crate::admin::SessionCount| {
            let standing = if count.standing { "yes" } else { "no" };
            vec![
                count.cluster.clone(),
                count.mode.clone(),
                standing.to_owned(),
                count.count.to_string(),
            ]
        };
        let rows: Vec<_> = std::iter::once(head)
            .chain(status.sessions.iter().map(row))
            .collect();
        lines.push(String::new());
        lines.push(aligned(&rows));
    }
    if !status.stragglers.is_empty() {
        lines.push(format!(
            "\n{} not standing yet:",
            sessions_of(status.stragglers.len() as u64)
        ));
        lines.extend(
            status
                .stragglers
                .iter()
                .map(|session| format!("  {}", who(session))),
        );
    }
    lines.push(format!(
        "\nrefusals {}, write leaks {}, guard alarms {}",
        status.refusals, status.write_leaks, status.guard_alarms
    ));
    lines.join("\n")
}

fn one_lull(lull: &Lull, now_unix_ms: u64) -> String {
    let request = &lull.request;
    let since = age(now_unix_ms.saturating_sub(lull.since_unix_ms) / 1000 * 1000);
    let mut text = format!(
        "{}: a lull is open for {since}, by {}",
        request.scope,
        plain(&request.by)
    );
    if let Some(until) = request.until_unix_ms {
        text.push_str(&format!(", until {}", timestamp(until)));
    }
    if !request.reason.is_empty() {
        text.push_str(&format!("\n  reason: {}", plain(&request.reason)));
    }
    text
}

fn fence(fence: &FenceState) -> String {
    if !fence.reached {
        return format!(
            "  the fence is not reached: {} in the way",
            sessions_of(fence.waiting)
        );
    }
    let mut text = "  fenced".to_owned();
    if let Some(ms) = fence.fenced_ms {
        text.push_str(&format!(" after {}", age(ms)));
    }
    for (cluster, position) in &fence.positions {
        text.push_str(&format!(", position {position} on {cluster}"));
    }
    for text_of in &fence.warnings {
        text.push_str(&format!("\n{}", warning(text_of)));
    }
    text
}

fn warning(text: &str) -> String {
    format!("  warning     {}", plain(text))
}

pub(super) fn sessions(sessions: &[Session]) -> String {
    let head = [
        "ID",
        "CLUSTER",
        "DATABASE",
        "USER",
        "APPLICATION",
        "CLIENT",
        "MODE",
        "TRANSACTION",
        "AGE",
        "LAST",
    ];
    let row = |session: &Session| {
        let mode = match (session.bypass, session.standing) {
            (true, _) => "bypass".to_owned(),
            (false, true) => match &session.stays {
                Some(why) => format!("{} ({})", session.mode, plain(why)),
                None => session.mode.clone(),
            },
            (false, false) => format!("{} (not yet)", session.mode),
        };
        let transaction = match session.transaction_ms {
            0 => session.transaction.clone(),
            ms => format!("{} {}", session.transaction, age(ms)),
        };
        let named = [
            &session.database,
            &session.user,
            &session.application_name,
            &session.client,
        ]
        .map(|n| plain(n));
        let [database, user, application, client] = named;
        let (id, cluster) = (session.id.clone(), session.cluster.clone());
        vec![
            id,
            cluster,
            database,
            user,
            application,
            client,
            mode,
            transaction,
            age(session.age_ms),
            plain(&session.last_tag),
        ]
    };
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
        .chain(sessions.iter().map(row))
        .collect();
    format!("{}\n{}", aligned(&rows), sessions_of(sessions.len() as u64))
}

fn who(session: &Session) -> String {
    let mut text = format!(
        "{}  {}@{}",
        session.id,
        plain(&session.user),
        plain(&session.database)
    );
    if !session.application_name.is_empty() {
        text.push_str(&format!(" ({})", plain(&session.application_name)));
    }
    text.push_str(&format!(
        " from {}: {} for {}",
        plain(&session.client),
        session.transaction,
        age(session.transaction_ms)
    ));
    if !session.last_tag.is_empty() {
        text.push_str(&format!(", last {}", plain(&session.last_tag)));
    }
    text
}

fn sessions_of(n: u64) -> String {
    if n == 1 {
        "1 session".to_owned()
    } else {
        format!("{n} sessions")
    }
}

/// As it must be typed.
fn shell(scope: &str) -> String {
    let safe = scope
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/@-_.".contains(c));
    if safe {
        scope.to_owned()
    } else {
        format!("'{}'", scope.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{SessionCount, Straggler};

    fn session() -> Session {
        Session {
            id: "1.7".into(),
            database: "crm".into(),
            user: "web".into(),
            application_name: "puma\x1b[2J".into(),
            client: "10.0.0.1:4711".into(),
            mode: "read-only".into(),
            transaction: "in transaction".into(),
            transaction_ms: 12_000,
            last_tag: "INSERT 0 1".into(),
            ..Session::default()
        }
    }

    #[test]
    fn a_fence_says_when_and_where() {
        let text = opened(&Opened {
            scope: "shop/*@web".parse().unwrap(),
            sessions: 184,
            fenced: true,
            fenced_ms: 12,
            position: Some("0/16B3748".into()),
            ..Opened::default()
        });
        assert_eq!(
            text,
            "shop/*@web: fenced after 12ms, 184 sessions covered\n  position 0/16B3748\n  End it with: lull off 'shop/*@web'"
        );
    }

    #[test]
    fn a_fence_that_was_not_reached_names_who_is_in_the_way() {
        let stragglers = vec![Straggler {
            session: session(),
            fate: "waiting".into(),
            why: Some("it runs on".into()),
        }];
        let text = opened(&Opened {
            fenced_ms: 30_000,
            stragglers,
            ..Opened::default()
        });
        assert!(text.contains("NOT reached within 30s"), "{text}");
        assert!(text.contains("waiting     1.7  web@crm (puma?[2J) from 10.0.0.1:4711: in transaction for 12s, last INSERT 0 1\n              it runs on"), "{text}");
    }

    #[test]
    fn status_and_sessions_are_aligned() {
        let counts = vec![SessionCount {
            cluster: "shop".into(),
            mode: "read-only".into(),
            standing: true,
            count: 181,
        }];
        let text = status(
            &Status {
                sessions: counts,
                stragglers: vec![session()],
                ..Status::default()
            },
            0,
        );
        assert!(
            text.contains("CLUSTER  MODE       STANDING  SESSIONS\nshop     read-only  yes       181"),
            "{text}"
        );
        assert!(text.contains("1 session not standing yet:"));
        assert!(sessions(&[session()]).ends_with("1 session"));
    }

    #[test]
    fn a_lull_that_is_over_says_so_once() {
        assert_eq!(closed(&Closed::default()), "all: no lull was open");
        let text = closed(&Closed {
            existed: true,
            sessions: 3,
            waiting: 1,
            closed_ms: 2,
            ..Closed::default()
        });
        assert_eq!(
            text,
            "all: the lull is over for 3 sessions after 2ms\n  1 session to follow at the end of a transaction"
        );
    }
}

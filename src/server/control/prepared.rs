//! What is prepared for two-phase commit: it outlives its session, and writes when it commits.
//!
//! Whoever may know is asked. Where nobody may, the operator is told so, and by which right lull could.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use tokio::time::sleep;

use super::{
    Control, dialects,
    open::{Notices, PROGRESS_EVERY},
    question::NoAnswer,
};
use crate::{
    admin::PreparedTransaction,
    config::Protocol,
    gate::{Lull, Prepared, Principal},
    relay::Place,
    session::Rows,
};

/// Users of one server who are asked, one after the other, whether they may know.
const USERS_ASKED_MAX: usize = 16;
/// The right by which MySQL lets an account look for prepared branches.
const RIGHT: &str = "XA_RECOVER_ADMIN";
const WITHOUT_RIGHT: &str = "XAER_RMERR";

impl Control {
    /// Prepared transactions in scope, and what could not be found out; waits until the drain ends for them to go.
    pub(super) async fn prepared(
        &self,
        lull: &Lull,
        places: &[Place],
        until: Instant,
        notices: &Notices,
    ) -> (Vec<PreparedTransaction>, Vec<String>) {
        loop {
            let (mut found, mut warnings) = (Vec::new(), Vec::new());
            for (cluster, answer) in self.prepared_rows(places).await {
                let protocol = self.protocol(&cluster);
                match answer {
                    Ok(rows) => found.extend(rows.iter().filter_map(|row| match protocol {
                        Protocol::PostgreSql => {
                            prepared(&cluster, row).filter(|transaction| covers(lull, transaction))
                        }
                        // Nobody can tell in which database a branch has written.
                        Protocol::MySql => branch(&cluster, row),
                    })),
                    Err(why) => {
                        tracing::warn!(cluster, "prepared transactions could not be looked for: {why}");
                        warnings.push(warning(&cluster, &why));
                    }
                }
            }
            let waits = lull.request.prepared == Prepared::Block && Instant::now() < until;
            if found.is_empty() || !waits {
                return (found, warnings);
            }
            let _ = notices.send(format!("{} prepared transactions are open", found.len()));
            sleep(PROGRESS_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// Of each cluster that has a session to ask: the rows, or what the server said to the first who was asked.
    async fn prepared_rows(&self, places: &[Place]) -> BTreeMap<String, Result<Rows, String>> {
        let clusters: BTreeSet<&String> = places.iter().map(|(cluster, _)| cluster).collect();
        let mut answers = BTreeMap::new();
        for cluster in clusters {
            let text = dialects::prepared(self.protocol(cluster));
            if let Some(answer) = self.ask_who_may(cluster, places, text).await {
                answers.insert(cluster.clone(), answer);
            }
        }
        answers
    }

    /// Asks users one after the other, those with a session in these places first, until one may know.
    async fn ask_who_may(&self, cluster: &str, places: &[Place], text: &str) -> Option<Result<Rows, String>> {
        let roams = self.roams(cluster);
        let sessions = self.sessions().await.into_iter();
        let of_cluster = sessions.filter(|session| session.cluster == cluster && !session.bypass);
        let askable: BTreeSet<(bool, Place, String)> = of_cluster
            .map(|session| {
                let place = (session.cluster, session.database);
                (!places.contains(&place), place, session.user)
            })
            .filter(|(outside, ..)| roams || !outside)
            .collect();
        let mut refused: BTreeSet<String> = BTreeSet::new();
        let mut first = None;
        for (_, place, user) in askable {
            if refused.contains(&user) || refused.len() >= USERS_ASKED_MAX {
                continue;
            }
            match self.ask_as(&place, &user, text).await {
                Ok(rows) => return Some(Ok(rows)),
                Err(NoAnswer::Error(message)) => {
                    first.get_or_insert_with(|| format!("the server says to {user}: {message}"));
                    refused.insert(user);
                }
                Err(NoAnswer::Nobody | NoAnswer::Lost | NoAnswer::GivenBack) => {}
            }
        }
        first.map(Err)
    }
}

fn warning(cluster: &str, why: &str) -> String {
    // MySQL names the right, or speaks of a fatal error in a branch.
    let right = if why.contains(RIGHT) || why.contains(WITHOUT_RIGHT) {
        format!("; with GRANT {RIGHT} ON *.* to a user that has a session here, lull looks for them")
    } else {
        String::new()
    };
    format!(
        "transactions that are prepared for two-phase commit (XA) could not be looked for on {cluster}: {why}{right}. \
         If there is one, it can still be committed from another database, or around lull"
    )
}

fn covers(lull: &Lull, transaction: &PreparedTransaction) -> bool {
    let who = Principal {
        cluster: transaction.cluster.clone(),
        database: transaction.database.clone(),
        user: transaction.owner.clone(),
    };
    lull.request.scope.covers(&who)
}

/// A row of XA RECOVER.
fn branch(cluster: &str, row: &[Option<Vec<u8>>]) -> Option<PreparedTransaction> {
    let [_format, _global_bytes, _branch_bytes, Some(xid)] = row else {
        return None;
    };
    Some(PreparedTransaction {
        gid: String::from_utf8_lossy(xid).into_owned(),
        cluster: cluster.to_owned(),
        ..PreparedTransaction::default()
    })
}

fn prepared(cluster: &str, row: &[Option<Vec<u8>>]) -> Option<PreparedTransaction> {
    let [gid, owner, database, prepared_at] = row else {
        return None;
    };
    let text =
        |value: &Option<Vec<u8>>| String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
    Some(PreparedTransaction {
        gid: text(gid),
        owner: text(owner),
        database: text(database),
        cluster: cluster.to_owned(),
        prepared_at: text(prepared_at),
    })
}

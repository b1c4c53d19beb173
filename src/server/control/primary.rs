//! Whether a server can be a primary, and have the sessions back that are on replicas.
//!
//! Guarantees that it is no standby, lets clients write, and has all that the fence or a replica of its has seen: nobody
//! reads older data there than before.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::{Control, dialects, replicas::ask};
use crate::{
    admin::Refused,
    config::{Address, Protocol},
    connect::{Front, Seen, Watch},
    gate::Lull,
    session::{self, pg::Position},
};

/// How often a server is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How long the primary may take to be there again when a lull is to end.
const PRIMARY_WAIT: Duration = Duration::from_secs(10);
/// How long a server may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// A standby has no position of its own. Until a server that was promoted has made its first checkpoint, the timeline in
/// its control file is the old one. What it had replayed last, before it was promoted, it knows until it is started anew.
const WHO_ARE_YOU: &str = "\
    SELECT pg_catalog.pg_is_in_recovery(), \
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_current_wal_insert_lsn() END, \
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(\
        pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int END, \
    (SELECT system_identifier FROM pg_catalog.pg_control_system()), \
    pg_catalog.current_setting('default_transaction_read_only'), \
    pg_catalog.pg_last_wal_replay_lsn()";

/// What clients have read already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    /// How far in the log. Zero where nothing is known, or where logs say nothing.
    position: Position,
    /// In which timeline's log.
    timeline: Option<u32>,
}

/// What a server has said of itself.
#[derive(Debug)]
pub(super) struct Looked {
    in_recovery: bool,
    pub(super) position: Option<Position>,
    pub(super) timeline: Option<u32>,
    pub(super) system: Option<String>,
    read_only: bool,
    replayed: Option<Position>,
}

impl Looked {
    /// Why it cannot be the primary of sessions that have read so much. `was_replica`: when they began to.
    pub(super) fn is_unfit(&self, read: Read, was_replica: bool) -> Option<String> {
        if self.in_recovery {
            return Some("it is in recovery: it is no primary".to_owned());
        }
        if self.read_only {
            return Some("nobody can write there: its default_transaction_read_only is on".to_owned());
        }
        let (at, seen) = (self.position.unwrap_or_default(), read.position);
        if at < seen {
            return Some(format!(
                "its log is at {at} and has not come to {seen}, which was read already: it is older than the fence, or \
                 than a replica"
            ));
        }
        // The log of a new timeline goes on from where the server was promoted: that it is long says nothing.
        let newer = read
            .timeline
            .is_some_and(|timeline| self.timeline > Some(timeline));
        match self.replayed {
            _ if seen == Position::default() || !(newer || was_replica) => None,
            Some(fork) if fork >= seen => None,
            Some(fork) => Some(format!(
                "it was promoted at {fork} and had not come to {seen}, which was read already: it is older than the \
                 fence, or than a replica"
            )),
            None => Some(format!(
                "it was promoted, and started again since: nothing tells whether it had come to {seen}, which was read \
                 already. If you know that, say so with lull repoint --other-system"
            )),
        }
    }
}

pub(super) async fn look(front: &Front, address: &Address) -> Result<Looked, String> {
    let columns = answer(front, address, WHO_ARE_YOU).await?;
    let column = |at: usize| columns.get(at).cloned().flatten();
    Ok(Looked {
        in_recovery: column(0).as_deref() != Some("f"),
        position: column(1).and_then(|position| Position::read(position.as_bytes())),
        timeline: column(2).and_then(|timeline| timeline.parse().ok()),
        system: column(3),
        read_only: column(4).as_deref() == Some("on"),
        replayed: column(5).and_then(|position| Position::read(position.as_bytes())),
    })
}

/// The one row of an answer, on a connection of lull's own.
pub(super) async fn answer(
    front: &Front,
    address: &Address,
    question: &str,
) -> Result<Vec<Option<String>>, String> {
    let answer = async {
        let mut watch = Watch::open(front, address).await?;
        watch.ask(question).await
    };
    let answer = timeout(ANSWER_WAIT, answer)
        .await
        .map_err(|_| format!("no answer within {ANSWER_WAIT:?}"))?;
    answer.map_err(|fault| fault.to_string())
}

impl Control {
    /// Whether the primaries of a lull's clusters can have their sessions back. Waits for them a while.
    pub(super) async fn primaries_are_back(&self, lull: &Lull) -> Result<(), Refused> {
        for cluster in lull.moved.keys() {
            let Some(front) = self.entrances.borrow().front(cluster) else {
                continue;
            };
            self.primary_is_back(&front).await.map_err(|why| {
                let (scope, address) = (&lull.request.scope, &front.cluster.primary.address);
                Refused::Failed(format!(
                    "the lull on {scope} stays open: the primary {address} cannot have its sessions back: {why}"
                ))
            })?;
        }
        Ok(())
    }

    async fn primary_is_back(&self, front: &Front) -> Result<(), String> {
        let until = Instant::now() + PRIMARY_WAIT;
        loop {
            let address = &front.cluster.primary.address;
            let why = match front.cluster.protocol {
                Protocol::PostgreSql => match look(front, address).await {
                    Ok(looked) => looked.is_unfit(self.read_from(front), false),
                    Err(why) => Some(why),
                },
                Protocol::MySql => match ask(front, address).await {
                    Ok(seen) => self.is_unfit_by_gtids(front, &seen),
                    Err(why) => Some(why),
                },
            };
            let Some(why) = why else { return Ok(()) };
            if Instant::now() >= until {
                return Err(why);
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// The same for MySQL and MariaDB, where ids of transactions tell all. What a session has seen on its replica, it asks
    /// for itself.
    fn is_unfit_by_gtids(&self, front: &Front, seen: &Seen) -> Option<String> {
        let protocol = front.cluster.protocol;
        if seen.is_replica {
            return Some(format!("it is {}: it is no primary", dialects::kind(protocol)));
        }
        let view = self.gate.borrow().view();
        let mut fences = view
            .lulls
            .iter()
            .filter_map(|lull| lull.moved.get(&front.cluster.name));
        let has = |fence: &&String| {
            let fence = dialects::read_position(protocol, fence);
            let at = seen.position.as_ref().zip(fence.as_ref());
            at.is_some_and(|(at, fence)| at.has(fence))
        };
        let missing = fences.find(|fence| !has(fence))?;
        Some(format!(
            "its log has not come to {missing}: it is older than the fence"
        ))
    }

    /// What clients have read: up to the fences, and what replicas have replayed since. Nothing where no session is on
    /// replicas, or where the servers are of different systems.
    pub(super) fn read_from(&self, front: &Front) -> Read {
        let view = self.gate.borrow().view();
        let number = |position: &String| Position::read(position.as_bytes()).unwrap_or_default();
        let moved = view
            .lulls
            .iter()
            .filter_map(|lull| lull.moved.get(&front.cluster.name));
        let mut read = Read {
            position: moved.map(number).max().unwrap_or_default(),
            timeline: None,
        };
        if read.position == Position::default() {
            return read;
        }
        let seen = |address| front.tally.replicas.seen(address).0;
        // One that was promoted goes its own way.
        for replica in front
            .cluster
            .replicas
            .iter()
            .filter_map(seen)
            .filter(|seen| seen.is_replica)
        {
            let replayed = match replica.position {
                Some(session::Position::PostgreSql(position)) => position,
                Some(session::Position::MySql(_)) | None => Position::default(),
            };
            read.position = read.position.max(replayed);
            read.timeline = read.timeline.max(replica.timeline);
        }
        read
    }
}

//! Whoever looks at the servers from outside while cases are sent: at the primary, and at a standby where there is one.

use crate::support::fingerprint::Fingerprint;
use crate::support::{Database, Observer, Postgres};

pub(super) struct Eyes<'a> {
    observers: Vec<Observer<'a>>,
    standby: Option<(&'a Postgres, String)>,
}

/// What all of them saw at one moment.
pub(super) struct Seen(Vec<Fingerprint>, Option<String>);

impl<'a> Eyes<'a> {
    pub(super) fn on(db: &Database<'a>) -> Self {
        Self {
            observers: vec![Observer::of(db)],
            standby: None,
        }
    }

    pub(super) fn on_both(db: &Database<'a>, standby: &'a Postgres) -> Self {
        Self {
            standby: Some((standby, db.name.clone())),
            ..Self::on(db)
        }
    }

    #[track_caller]
    pub(super) fn look(&mut self) -> Seen {
        let fingerprints = self.observers.iter_mut().map(Observer::fingerprint).collect();
        Seen(fingerprints, self.standby.as_ref().map(look_at_standby))
    }
}

/// What replay does not bring: it has the primary's rows in any case.
fn look_at_standby((standby, database): &(&Postgres, String)) -> String {
    let state = "SELECT concat_ws(' ', pg_is_in_recovery(), pg_is_in_recovery() AND pg_is_wal_replay_paused(), \
        (SELECT string_agg(concat_ws(' ', slot_name, temporary, restart_lsn), ',') FROM pg_replication_slots), \
        (SELECT string_agg(name, ',' ORDER BY name) FROM pg_ls_dir('.') AS name), \
        md5(pg_read_binary_file('postgresql.auto.conf')), pg_conf_load_time(), \
        (SELECT sum(reltuples) FROM pg_class), (SELECT stats_reset FROM pg_stat_database \
        WHERE datname = current_database()))";
    let mut superuser = standby.superuser(database);
    superuser.value(state).expect("one row")
}

impl Seen {
    /// One line per difference; empty if nothing has changed.
    pub(super) fn changes(&self, later: &Self) -> Vec<String> {
        let pairs = self.0.iter().zip(&later.0);
        let mut changes: Vec<String> = pairs.flat_map(|(was, is)| was.changes(is)).collect();
        if self.1 != later.1 {
            changes.push(format!("the standby: {:?} -> {:?}", self.1, later.1));
        }
        changes
    }
}

//! What lull must say next on a session: one state in, one statement out.
//!
//! `next_own` reads like the rules of DESIGN "MySQL and MariaDB in a lull". It must not know how a statement is put, or
//! what comes of it.

use crate::{gate::Mode, wire::mysql::capability::Capabilities};

use super::{Cover, InLull, MySession, Set, own::Own, reports::Armed};

impl MySession {
    /// Whether somebody waits for the session: its client, or a question.
    pub(super) fn is_wanted(&self) -> bool {
        let born = self.lull.as_ref().is_some_and(|lull| lull.welcome.is_some());
        let waits = !self.held.is_empty() || !self.questions.is_empty();
        waits || born && self.is_read_only_ordered()
    }

    /// What a session at rest needs so that it stands, in one flight: thousands of a pool do. The rest is said when
    /// somebody wants something of it.
    fn next_at_rest(&self) -> Option<Option<Own>> {
        let lull = self.lull.as_ref();
        match (&self.order.mode, self.set) {
            (Mode::ReadOnly(_), Set::GuardAlone) if !self.is_unjudged() => Some(None),
            (Mode::ReadOnly(_), Set::Nothing) => {
                let unseen = lull.is_some_and(|lull| lull.seen.is_none() && !lull.guarded_itself);
                unseen.then_some(Some(Own::GuardAlone))
            }
            (Mode::Beside(_), Set::Nothing | Set::Reports) if !self.alarmed => Some(None),
            (Mode::Beside(_), Set::Guard) if self.is_unaudited() => Some(None),
            _ => None,
        }
    }

    /// `wanted`: as `is_wanted` says, or would if a command came now.
    pub(super) fn next_own(&self, wanted: bool) -> Option<Own> {
        let lull = self.lull.as_ref();
        let (in_transaction, locks) = (self.in_transaction(), self.work.locks_tables);
        if let Some(step) = lull.and_then(|lull| lull.straggle.next_step(in_transaction, locks)) {
            return Some(step);
        }
        if !wanted
            && !in_transaction
            && self.is_in_place()
            && let Some(next) = self.next_at_rest()
        {
            return next;
        }
        // Until the command has gone up for which it is so.
        let bare = lull.is_some_and(|lull| lull.bare && !lull.learned.yielded);
        // Beside a lull, for a while.
        let guards = self.is_unaudited() && !in_transaction || self.guards_next();
        let reads_only = self.is_read_only_ordered();
        match self.order.mode {
            Mode::Normal if !reads_only => {}
            _ if self.set == Set::GuardAlone && !reads_only => return Some(Own::Restore),
            _ if self.armed == Armed::Due => return Some(Own::Arm),
            _ if !self.has_looked() => return Some(Own::Look),
            _ if reads_only && (self.set != Set::Guard || bare || self.is_unjudged()) => {
                return Some(Own::Guard);
            }
            _ => {}
        }
        if let Some(own) = self.next_of_journey() {
            return Some(own);
        }
        match self.order.mode {
            _ if self.is_away() => {}
            Mode::Beside(_) if guards && self.set == Set::Guard && !bare => {}
            Mode::Beside(_) if guards => return Some(Own::Guard),
            Mode::Beside(_) if self.set == Set::Guard => return Some(Own::Unguard),
            Mode::Beside(_) if self.set == Set::Nothing || bare => return Some(Own::Watch),
            Mode::Beside(_) if self.must_prove() => return Some(Own::Grants),
            Mode::ReadOnly(_) | Mode::Replica(..) if self.may_alarm() && self.cover == Cover::Server => {
                return Some(Own::Alarm);
            }
            // What the client has set meanwhile is not to be overwritten.
            Mode::Normal if self.set != Set::Nothing && bare && !self.has_looked() => return Some(Own::Look),
            Mode::Normal if self.set != Set::Nothing => return Some(Own::Restore),
            Mode::Normal | Mode::Beside(_) if self.alarmed && !in_transaction => return Some(Own::Silence),
            _ => {}
        }
        self.next_of_question()
    }

    /// Nobody knows yet what in its database reaches elsewhere.
    fn is_unaudited(&self) -> bool {
        self.lull.as_deref().is_some_and(|lull| lull.audited.is_none())
    }

    /// Beside a lull, what only reads runs under the guard until the audit is known: a view may call a function that
    /// writes elsewhere, which no text shows.
    pub(super) fn reads_guarded(&self) -> bool {
        let beside = matches!(self.order.mode, Mode::Beside(_));
        beside && self.set == Set::Guard && self.is_unaudited()
    }

    /// The command that is held is to run under the guard.
    pub(super) fn guards_next(&self) -> bool {
        self.lull.as_deref().is_some_and(|lull| lull.guards_next)
    }

    /// How texts are read is known.
    fn has_looked(&self) -> bool {
        let looked = |lull: &InLull| lull.seen.is_some() && !lull.stale;
        self.lull.as_deref().is_some_and(looked)
    }

    /// What will be said next whatever the answer is goes up at once.
    pub(super) fn rides_behind(&self, own: Own) -> Option<Own> {
        match own {
            Own::Arm => (!self.has_looked()).then_some(Own::Look),
            Own::Guard if self.is_read_only_ordered() => {
                (!self.is_away() && self.may_alarm()).then_some(Own::Alarm)
            }
            _ => None,
        }
    }

    /// What an open transaction has written may be in the database of a lull, unless the account cannot write there.
    fn must_prove(&self) -> bool {
        let Some(lull) = self.lull.as_deref() else {
            return false;
        };
        let wrote = self.in_transaction() && self.work.may_have_written(self.is_reported());
        wrote && lull.harmless.is_none() && lull.audited.is_some()
    }

    fn may_alarm(&self) -> bool {
        let tracks = self.agreed.upstream.has(Capabilities::SESSION_TRACK);
        let may = !self.in_transaction() && !self.work.locks_tables && tracks;
        may && !self.alarmed && !self.is_bare() && !self.server.is_mariadb()
    }

    /// Whether a command may begin now.
    pub(super) fn may_begin(&self) -> bool {
        let awaits_audit = self
            .lull
            .as_ref()
            .is_some_and(|lull| lull.unaudited && lull.audited.is_none() && !self.deaf);
        let awaits = self.awaits_order || awaits_audit && self.is_read_only_ordered();
        // A command that goes up unjudged is one that began before the order.
        self.is_quiet() && !awaits && !self.travel.under_way && self.next_own(true).is_none()
    }
}

//! What lull itself says between two commands of the client's: how a session comes to stand, stays so, and leaves.
//!
//! `next` decides what is to be said. A session stands when the server has confirmed it, never because something was
//! sent.

use std::collections::HashSet;

use crate::{
    fault::Fault,
    gate::{Mode, Order},
    session::outlet::Outlets,
    sql::mysql::Wish,
    wire::mysql::{
        capability::{Capabilities, Status},
        command, error, packet,
    },
};

use super::{
    Asking, Cover, InLull, MySession, Set, Talk, deeds, grants,
    judgement::Does,
    own::{self, Gathered, Kept, Own, Seen},
    reports::Armed,
};

/// Names of prepared statements that are remembered.
const NAMES_MAX: usize = 1000;

impl MySession {
    /// Takes an order. What follows from it is `advance`'s business.
    pub(super) fn take(&mut self, order: Order) {
        self.awaits_order = false;
        self.reconsider();
        let same_kind = std::mem::discriminant(&order.mode) == std::mem::discriminant(&self.order.mode);
        let stood = self.stands_at == order.generation;
        self.arrived = stood
            && matches!(
                (&self.order.mode, &order.mode),
                (Mode::Beside(_), Mode::ReadOnly(_) | Mode::Replica(..))
            );
        if !same_kind {
            // It stands in the other mode, which is another thing.
            self.stands_at = 0;
        }
        if order.mode != Mode::Normal {
            if !self.is_read_only_ordered() {
                // What is under way has not been judged.
                self.cover = Cover::None;
            }
            let lull = self.lull.get_or_insert_default();
            lull.passed = HashSet::new();
            lull.forget_others();
            if matches!(order.mode, Mode::Beside(_)) {
                // Another lull, another question.
                lull.harmless = None;
            }
            self.careful = true;
        } else if let Some(lull) = &mut self.lull {
            lull.straggle.call_off();
        }
        self.order = order;
        if !self.careful {
            self.stand();
        }
    }

    /// Says what must be said now, and lets the client's bytes go when nothing is left to say.
    /// `heard` is the chunk of the upstream's that has just been read.
    pub(super) fn advance(&mut self, heard: &[u8], out: &mut Outlets) -> Result<(), Fault> {
        if self.ended || !self.careful || self.travel.under_way {
            return Ok(());
        }
        self.settle_cover();
        self.consider_journey();
        self.close_leftover(out);
        if self.is_quiet() {
            self.give_back();
        }
        if self.is_quiet()
            && !self.awaits_order
            && let Some(own) = self.next_own(self.is_wanted())
        {
            let rider = self.rides_behind(own);
            self.say(own, &[], out);
            if let Some(rider) = rider {
                self.say(rider, &[], out);
            }
            return Ok(());
        }
        self.stand();
        if self.is_quiet()
            && !self.awaits_order
            && let Some(welcome) = self.lull.as_mut().and_then(|lull| lull.welcome.take())
        {
            out.to_client.buffer(heard).extend_from_slice(&welcome);
        }
        if self.must_end() {
            out.to_client.settle(heard);
            self.terminate(out);
            return Ok(());
        }
        if self.closing && self.is_quiet() && !self.in_transaction() {
            out.to_client.settle(heard);
            self.close(out);
            return Ok(());
        }
        if self.is_done() {
            self.careful = false;
            self.lull = None;
            self.cover = Cover::None;
        }
        if !self.held.is_empty() {
            // What lull itself answers to it stands behind what the server has just said.
            out.to_client.settle(heard);
        }
        self.release(out)?;
        if self.guards_next() && self.set != Set::Guard && self.is_quiet() && !self.awaits_order {
            self.say(Own::Guard, &[], out);
        }
        Ok(())
    }

    /// Nothing of any lull is left on the session.
    fn is_done(&self) -> bool {
        let unfinished = |lull: &InLull| lull.welcome.is_some() || lull.straggle.acts();
        self.order.mode == Mode::Normal
            && self.is_quiet()
            && self.set == Set::Nothing
            && !self.alarmed
            && !self.awaits_order
            && !self.lull.as_deref().is_some_and(unfinished)
            && !self.closing
            && self.is_in_place()
            && self.questions.is_empty()
            && self.asking == Asking::No
    }

    fn settle_cover(&mut self) {
        if self.talk == Talk::Log {
            // A replica reads the log, and nothing else can be said on its connection.
            self.cover = Cover::Server;
        }
        if !self.is_quiet() {
            return;
        }
        let read_only = self.status.has(Status::IN_TRANS_READONLY);
        let was_covered = self.cover != Cover::None;
        // What is not reported of a covered transaction can be no write: nothing but what reads has been let pass.
        let writes = if was_covered {
            self.work.has_written()
        } else {
            self.work.may_have_written(self.is_reported())
        };
        self.cover = match () {
            () if !self.has_guard() || self.is_unjudged() => Cover::None,
            // What was locked beside the lull is not in it.
            () if self.work.locks_tables && !self.arrived => Cover::None,
            () if !self.in_transaction() || read_only => Cover::Server,
            () if writes && !self.arrived && !self.holds_prepared => Cover::None,
            () => Cover::Frozen,
        };
        if !self.in_transaction() {
            (self.arrived, self.holds_prepared) = (self.arrived && self.work.locks_tables, false);
            self.rearm();
        }
        if was_covered && self.cover == Cover::None && self.has_guard() && self.is_read_only_ordered() {
            // What was read-only a command ago has written.
            self.effects().counts.guard_alarms += 1;
        }
    }

    fn stand(&mut self) {
        let stands = match &self.order.mode {
            Mode::ReadOnly(_) | Mode::Replica(..) => self.cover != Cover::None,
            // What it does from now on is judged; what it has done and not committed may be anywhere.
            Mode::Beside(_) => self.is_beside(),
            Mode::Normal => self.set == Set::Nothing && !self.ledger.has_own(),
        };
        if stands && !self.awaits_order && self.is_in_place() {
            self.stands_at = self.order.generation;
        }
    }

    fn is_beside(&self) -> bool {
        if self.talk == Talk::Log {
            return true;
        }
        if !self.in_transaction() {
            // The server's last word was that nothing is open. What comes next waits until texts can be read.
            let is_itself = matches!(self.set, Set::Nothing | Set::Reports);
            return self.is_quiet() && (is_itself || self.reads_guarded());
        }
        let looked = self.lull.as_ref().is_some_and(|lull| lull.seen.is_some());
        let clean = !self.work.may_have_written(self.is_reported());
        let harmless = self.lull.as_ref().is_some_and(|lull| lull.harmless == Some(true));
        looked && (clean || harmless) && self.is_quiet() && self.set == Set::Reports
    }

    fn has_guard(&self) -> bool {
        matches!(self.set, Set::Guard | Set::GuardAlone)
    }

    pub(super) fn is_unjudged(&self) -> bool {
        self.lull.as_ref().is_some_and(|lull| lull.unjudged)
    }

    fn granted(&mut self, reply: &Gathered) {
        let Mode::Beside(lulls) = &self.order.mode else {
            return;
        };
        let databases: Vec<&str> = lulls
            .iter()
            .filter_map(|lull| lull.request.scope.database())
            .collect();
        let audited = self.lull.as_ref().and_then(|lull| lull.audited.as_ref());
        let reaches = |database: &&str| audited.is_none_or(|audited| audited.reaches(database));
        let harmless = !reply.failed()
            && !databases.iter().any(reaches)
            && databases
                .iter()
                .all(|database| grants::keep_off(&reply.rows, database));
        self.in_lull(|lull| lull.harmless = Some(harmless));
    }

    /// Sends a statement of lull's own up.
    pub(super) fn say(&mut self, own: Own, chunk: &[u8], out: &mut Outlets) {
        let attributes = self.agreed.upstream.has(Capabilities::QUERY_ATTRIBUTES);
        let server = self.server;
        let text = match own {
            Own::Arm => own::ARM.to_owned(),
            Own::Look => own::look(&server),
            Own::Watch | Own::Guard => self.kept().map_or_else(
                || "DO 0".to_owned(),
                |kept| own::guard(&server, &kept, own == Own::Guard),
            ),
            Own::GuardAlone => own::guard_alone(&server),
            Own::Unguard => {
                self.cover = Cover::None;
                own::unguard(&server, self.kept().is_some_and(|kept| kept.read_only))
            }
            Own::Restore => {
                // From here on the guard may be gone, whatever becomes of the reply.
                self.cover = Cover::None;
                self.restoring()
            }
            Own::Alarm => own::ALARM.into(),
            Own::Silence => self
                .kept()
                .map_or_else(|| "DO 0".to_owned(), |kept| own::silence(&kept)),
            Own::Yield => self.yielding(),
            Own::Deeds => deeds::question(server),
            Own::Luggage => self.luggage_question(),
            Own::Question => self
                .questions
                .front()
                .map_or_else(|| "SELECT 1".to_owned(), |q| q.text.clone()),
            // Its text is the client's.
            Own::Parse | Own::Probe => "DO 0".to_owned(),
            Own::Branch => own::BRANCH.to_owned(),
            Own::End => "COMMIT AND NO CHAIN NO RELEASE".to_owned(),
            Own::Grants => "SHOW GRANTS".to_owned(),
            // Whatever the session's completion_type says.
            Own::Rollback => "ROLLBACK AND NO CHAIN NO RELEASE".to_owned(),
            Own::Reveal => own::REVEAL.to_owned(),
            Own::EndBranch => format!("XA END {}", self.xid()),
            Own::RollbackBranch => format!("XA ROLLBACK {}", self.xid()),
            Own::Unlock => "UNLOCK TABLES".to_owned(),
        };
        own::write(out.to_upstream.buffer(chunk), &text, attributes);
        self.ledger.own(own);
    }

    /// Has the server parse a text of the client's, which runs nothing.
    pub(super) fn try_parsing(&mut self, payload: &[u8], chunk: &[u8], out: &mut Outlets) {
        let start = self.text_start(payload).unwrap_or(payload.len());
        let text = payload.get(start..).unwrap_or_default();
        let mut prepare = vec![command::STMT_PREPARE];
        prepare.extend_from_slice(text);
        packet::write(out.to_upstream.buffer(chunk), 0, &prepare);
        self.ledger.own(Own::Parse);
    }

    fn parsed(&mut self, reply: &Gathered) {
        let parses = !matches!(reply.error, Some((error::PARSE, _)));
        self.in_lull(|lull| (lull.learned.parses, lull.leftover) = (Some(parses), reply.prepared));
    }

    fn close_leftover(&mut self, out: &mut Outlets) {
        if let Some(id) = self.lull.as_mut().and_then(|lull| lull.leftover.take()) {
            let mut close = vec![command::STMT_CLOSE];
            close.extend_from_slice(&id.to_le_bytes());
            packet::write(out.to_upstream.buffer(&[]), 0, &close);
        }
    }

    /// What the session is to have again, the client's wishes included.
    fn kept(&self) -> Option<Kept> {
        let lull = self.lull.as_ref()?;
        let mut kept = lull.seen.as_ref()?.kept.clone();
        kept.read_only = lull.wish.unwrap_or(kept.read_only);
        Some(kept)
    }

    /// The client's own settings of the server's reports. That of what is committed cannot be changed in a transaction.
    fn yielding(&self) -> String {
        let Some(kept) = self.kept() else {
            return "DO 0".to_owned();
        };
        let mut text = own::restore(&self.server, &kept, false);
        if self.alarmed && !self.in_transaction() {
            text.push_str(", ");
            text.push_str(own::silence(&kept).trim_start_matches("SET "));
        }
        text
    }

    fn restoring(&self) -> String {
        if self.set == Set::GuardAlone {
            return own::unguard(&self.server, false);
        }
        let Some(kept) = self.kept() else {
            return "DO 0".to_owned();
        };
        own::restore(&self.server, &kept, self.set == Set::Guard)
    }

    /// The server has answered a statement of lull's own.
    pub(super) fn own_done(&mut self, own: Own, reply: Gathered) -> Result<(), Fault> {
        // A branch may have been ended by what lull has said.
        self.deaf &= matches!(own, Own::Question | Own::Probe);
        if self.was_cut_short(own, &reply)? {
            return Ok(());
        }
        match own {
            // Where the server will not, every open transaction is taken for one that has written.
            Own::Arm => {
                self.armed = if reply.failed() { Armed::Never } else { Armed::Yes };
                if self.in_transaction() {
                    // A client that has not waited for the answer to its reset: what it did since was not reported.
                    self.work.is_unseen();
                }
            }
            Own::Look => {
                let seen = Seen::read(&reply.rows).filter(|_| !reply.failed());
                match seen {
                    Some(seen) => self.looked(seen),
                    None => return self.count_attempt("the question for its settings", &reply),
                }
            }
            Own::Guard | Own::Watch if !reply.failed() => {
                self.set = if own == Own::Guard {
                    Set::Guard
                } else {
                    Set::Reports
                };
                self.in_lull(|lull| (lull.attempts, lull.bare, lull.unjudged) = (0, false, false));
            }
            Own::Guard | Own::Watch => self.count_attempt("the guard", &reply)?,
            Own::GuardAlone if !reply.failed() => self.set = Set::GuardAlone,
            // The session's own default is read-only, which must be remembered. What else it may be will show.
            Own::GuardAlone => self.in_lull(|lull| lull.guarded_itself = true),
            Own::Unguard if !reply.failed() => self.set = Set::Reports,
            Own::Restore if !reply.failed() => {
                self.set = Set::Nothing;
                self.disarm();
                // What the client makes of its settings from here on is not reported.
                self.in_lull(|lull| (lull.bare, lull.stale, lull.wish) = (false, true, None));
            }
            Own::Restore | Own::Unguard => self.count_attempt("the setting to restore", &reply)?,
            // A server without a binary log has nothing to report, which is no reason to end anything.
            Own::Alarm => self.alarmed = true,
            Own::Silence => self.alarmed = false,
            Own::Yield => {
                self.alarmed &= self.in_transaction();
                self.in_lull(|lull| (lull.learned.yielded, lull.bare) = (true, true));
            }
            Own::Parse => self.parsed(&reply),
            Own::Branch => {
                let own = matches!(reply.branch_state(), Some("ACTIVE" | "IDLE" | "ONLY"));
                self.in_lull(|lull| lull.learned.in_branch = Some(own));
            }
            Own::Question => self.answer(reply),
            Own::Deeds => self.told_of_deeds(&reply),
            Own::Luggage => self.pack(&reply),
            Own::Probe => self.probed(),
            Own::End => self.asking = Asking::No,
            Own::Grants => self.granted(&reply),
            Own::Rollback | Own::Reveal | Own::EndBranch | Own::RollbackBranch | Own::Unlock => {
                self.straggle_stepped(own, &reply)?;
            }
        }
        Ok(())
    }

    /// What follows from a text that goes up.
    pub(super) fn does(&mut self, does: &Does) {
        if let Some(wish) = does.wish {
            let now = self.kept().is_some_and(|kept| kept.read_only);
            let wish = match wish {
                Wish::On => true,
                Wish::Off => false,
                // What the server's configuration says then, nobody knows: as it was.
                Wish::Default | Wish::Unknown => now,
            };
            self.in_lull(|lull| lull.wish = Some(wish));
        }
        let guarded = self.set == Set::Guard;
        if does.lifts && guarded {
            self.set = Set::Reports;
            self.effects().counts.reasserts_session += 1;
        }
        if does.reports {
            // The guard stays on, which is not the client's wish. Without one, the server will tell what that is.
            let now = self.kept().is_some_and(|kept| kept.read_only);
            self.in_lull(|lull| lull.wish = guarded.then_some(now));
        }
        self.in_lull(|lull| {
            lull.shows_variables = does.shows_variables;
            lull.makes_objects |= does.makes_objects;
            // The client's own settings of the reports are asked for behind it, before lull's are set again.
            lull.stale |= does.rereads || does.reports;
            lull.naming.clone_from(&does.names);
            lull.commits = does.commits;
        });
    }

    /// A command that was to prepare names is over. Where it failed, they may stand for what they stood for before.
    pub(super) fn names_answered(&mut self, succeeded: bool) {
        self.in_lull(|lull| {
            lull.commits = false;
            for (name, reads) in std::mem::take(&mut lull.naming) {
                if succeeded && (lull.named.len() < NAMES_MAX || lull.named.contains_key(&name)) {
                    lull.named.insert(name, reads);
                }
            }
        });
    }

    pub(super) fn in_lull(&mut self, change: impl FnOnce(&mut InLull)) {
        if let Some(lull) = &mut self.lull {
            change(lull);
        }
    }
}

//! A session whose replica has gone.
//!
//! It goes on, on another server, with what it has: as the last one listed it, and what the server has confirmed since.
//! Guarantees that each reply which that server owed gets its place in the client's stream, as an error that says that
//! it can be tried again; that a transaction which was open is a failed one from then on; and that nothing a client has
//! set is lost without a word: where it is not known what there was, the session ends.
//!
//! It must not know how servers are found.

use std::time::Duration;

use crate::{
    fault::Fault,
    gate::{Fallback, Mode},
    session::{Journey, Luggage as AnyLuggage, Refused, Site, outlet::Outlets},
    wire::pg::{
        backend::{self, Status},
        error::Fields,
        frame::{Frames, Piece, Seen, Want},
        frontend as tags,
    },
};

use super::{
    Kind, Open, PgSession, Wrap,
    book::{Confirmed, cut},
    luggage::Luggage,
    own::Reply,
    refusal,
    travel::Travel,
};

/// How long another replica may take to come as far as the one that is gone can have been, where the operator would
/// rather have the session elsewhere than waiting.
const CATCH_UP_WAIT: Duration = Duration::from_secs(1);

/// What there is to say when it is known where the session goes on.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Replies with a ReadyForQuery that the client waits for.
    replies: u32,
    /// It has heard the error of the first of them.
    told: bool,
    /// It waits for an answer in a batch whose Sync has not come.
    batch: bool,
    /// Its transaction is gone.
    in_transaction: bool,
}

impl Travel {
    /// There is no server, or none yet.
    pub(super) fn is_adrift(&self) -> bool {
        self.lost.is_some()
    }

    /// What the session has may be something else from now on.
    pub(super) fn changes(&mut self) {
        self.changed |= self.site == Site::Replica;
    }

    /// A command tag.
    pub(super) fn completed(&mut self, tag: &[u8]) {
        let word = tag.split(|&b| b == b' ').next().unwrap_or_default();
        if !READS.contains(&word) && tag != b"CLOSE CURSOR" {
            self.changes();
        }
    }

    pub(super) fn keep_parse(&mut self, said: &tags::Parse<'_>) {
        if self.site == Site::Replica && !said.name.is_empty() {
            self.parses
                .push_back((cut(said.name).into(), said.text.to_vec(), said.types().collect()));
        }
    }
}

/// What changes nothing that must follow a session, by the first word of its tag.
const READS: [&[u8]; 13] = [
    b"SELECT",
    b"SHOW",
    b"EXPLAIN",
    b"FETCH",
    b"MOVE",
    b"COPY",
    b"BEGIN",
    b"START",
    b"COMMIT",
    b"ROLLBACK",
    b"SAVEPOINT",
    b"RELEASE",
    b"LOCK",
];

impl PgSession {
    /// The server has listed what the session has now.
    pub(super) fn take_stock(&mut self, reply: Reply) {
        if reply.failed() {
            // It is asked for again. Until then it is not known.
            self.travel.attempts += 1;
            self.travel.changed =
                reply.was_cancelled() && self.travel.attempts < super::attempts::ATTEMPTS_MAX;
            if !self.travel.changed {
                self.travel.kept = None;
            }
            return;
        }
        (self.travel.changed, self.travel.attempts) = (false, 0);
        self.travel.kept = Some(Box::new(Luggage::read(&reply.rows, self.parameters.modes())));
    }

    /// Whether the server must be asked what the session has now.
    pub(super) fn must_take_stock(&self) -> bool {
        self.travel.site == Site::Replica
            && self.travel.changed
            && self.is_in_place()
            && self.settings.travels
    }

    /// ParseComplete, BindComplete or CloseComplete.
    pub(super) fn hear_confirmed(&mut self) {
        let Some(lull) = &mut self.lull else {
            return;
        };
        let travel = &mut self.travel;
        match (lull.book.confirmed(), &mut travel.kept) {
            (Some(Confirmed::Parsed(name)), Some(kept)) if !name.is_empty() => {
                let at = travel.parses.iter().position(|(known, ..)| *known == name);
                match at.and_then(|at| travel.parses.remove(at)) {
                    Some((_, text, types)) => kept.add_statement(&name, text, types),
                    None => travel.changes(),
                }
            }
            (Some(Confirmed::Closed(name)), Some(kept)) => kept.drop_statement(&name),
            _ => {}
        }
    }

    /// Whether the server's last word is no business of the client's: the session goes on elsewhere.
    pub(super) fn outlives(&self, error: &[u8]) -> bool {
        let fields = Fields::read(error).unwrap_or_default();
        GOES.contains(&fields.sqlstate()) && self.can_go_on()
    }

    fn can_go_on(&self) -> bool {
        let in_step = !self.out_of_step && !self.upstream.mid_message() && !self.client.mid_message();
        let stays = self.ended || self.closing || self.farewell;
        let is_known = self.travel.kept.as_ref().is_some_and(|kept| kept.stays.is_none());
        let has_unknown = self.customs.as_ref().is_some_and(|customs| customs.unknown);
        self.kind == Kind::Sql
            && self.travel.site == Site::Replica
            && self.careful
            && self.lull.is_some()
            && in_step
            && !stays
            && is_known
            && !self.travel.changed
            && !has_unknown
            && self.settings.travels
    }

    /// The server has gone. True where the session goes on without it.
    pub(super) fn go_on_elsewhere(&mut self) -> bool {
        if !self.can_go_on() {
            return false;
        }
        let lost = self.forfeit();
        self.travel.lost = Some(lost);
        self.flee(self.ordered_site());
        true
    }

    /// What the server owed, and what it knew, is no more.
    fn forfeit(&mut self) -> Lost {
        let (replies, waits) = self.ledger.forfeit();
        let open = std::mem::replace(&mut self.open, Open::No);
        let status = std::mem::take(&mut self.transaction.status);
        let mut lost = Lost {
            replies,
            batch: waits && open != Open::Failed,
            ..Lost::default()
        };
        self.transaction.ready(Status::Idle);
        self.upstream = Frames::default();
        self.own_reply = Reply::default();
        self.travel.parses.clear();
        self.in_lull(|lull| {
            let batch = std::mem::take(&mut lull.batch);
            lost.told = batch.failed || batch.muted || lull.ready_owed;
            let over = lull.wrap != Wrap::No || batch.wrapped || batch.ends;
            lost.in_transaction = status != Status::Idle && !over || lull.straggle.is_between();
            // Who is in the middle of a batch hears of it in the place of its next answer.
            lull.batch_lost |= open == Open::Acting && !waits;
            lull.skipping |= lost.batch || open == Open::Failed;
            lull.wrap = Wrap::No;
            (lull.must_reassert, lull.lexing_returns) = (false, false);
            lull.book.ready(true);
        });
        lost.told |= status == Status::Failed && replies == 0;
        lost
    }

    /// Takes what the session has to another server.
    fn flee(&mut self, to: Site) {
        let mut luggage = self.travel.kept.as_deref().cloned().unwrap_or_default();
        luggage.unnamed.clone_from(&self.unnamed);
        luggage.customs = self.customs.as_deref().cloned();
        luggage.behind = self.position();
        luggage.after_loss = Some(self.patience());
        self.travel.retries = false;
        self.set_out(luggage, to);
    }

    pub(super) fn set_out(&mut self, luggage: Luggage, to: Site) {
        let journey = Journey {
            to,
            luggage: AnyLuggage::PostgreSql(Box::new(luggage.clone())),
        };
        self.travel.left = Some(Box::new(luggage));
        (self.travel.under_way, self.travel.going) = (true, to);
        self.effects().journey = Some(journey);
    }

    fn patience(&self) -> Duration {
        let replicas = self.order.mode.lull().and_then(|lull| lull.request.replicas);
        match replicas {
            Some(wanted) if wanted.fallback == Fallback::Wait => Duration::from_millis(wanted.catch_up_ms),
            _ => CATCH_UP_WAIT,
        }
    }

    fn may_fall_back(&self) -> bool {
        let replicas = self.order.mode.lull().and_then(|lull| lull.request.replicas);
        replicas.is_none_or(|wanted| wanted.fallback == Fallback::Primary)
    }

    /// While there is no server: nothing can be written, and who wants something makes lull look for one.
    pub(super) fn drift(&mut self, out: &mut Outlets) -> Result<(), Fault> {
        if !self.travel.is_adrift() {
            return Ok(());
        }
        if self.is_read_only_ordered() {
            self.stands_at = self.order.generation;
        }
        self.give_questions_back();
        if self.travel.under_way || self.ended {
            return Ok(());
        }
        if self.closing {
            self.close(out);
        } else if !self.held.is_empty() || self.travel.retries {
            self.flee(self.ordered_site());
        }
        Ok(())
    }

    /// It is on another server now: the client gets what it was owed.
    pub(super) fn account_for(&mut self, lost: &Lost, out: &mut Outlets) {
        let told = lost.told || lost.replies > 0 || lost.batch;
        let status = if lost.in_transaction {
            Status::Failed
        } else {
            Status::Idle
        };
        if lost.in_transaction {
            self.in_lull(|lull| lull.straggle.lose(told));
        }
        self.pay(lost, status, out);
    }

    /// There is nowhere to go, for the moment.
    pub(super) fn find_another_way(&mut self, out: &mut Outlets) -> Result<(), Fault> {
        let (gone, ordered) = (self.travel.going, self.ordered_site());
        let to_primary = matches!(self.order.mode, Mode::Replica(..)) && self.may_fall_back();
        if gone != ordered && !to_primary {
            // The order is another by now.
            self.flee(ordered);
            return Ok(());
        }
        if gone == Site::Replica && to_primary {
            self.flee(Site::Primary);
            return Ok(());
        }
        let mut lost = self.travel.lost.take().unwrap_or_default();
        self.pay(&lost, Status::Idle, out);
        let paid = lost.replies > 0 || lost.batch;
        self.in_lull(|lull| {
            if std::mem::take(&mut lull.ready_owed) {
                backend::write_ready_for_query(out.to_client.buffer(&[]), Status::Idle);
            }
        });
        let in_transaction = lost.in_transaction && !paid;
        lost = Lost {
            in_transaction,
            told: lost.told && in_transaction,
            ..Lost::default()
        };
        let held = std::mem::take(&mut self.held);
        if self.refuse_held(&held, out)? {
            lost = Lost::default();
        }
        self.travel.lost = Some(lost);
        Ok(())
    }

    fn pay(&mut self, lost: &Lost, status: Status, out: &mut Outlets) {
        let Some(lull) = &self.lull else { return };
        let to_client = out.to_client.buffer(&[]);
        let mut refused = 0;
        for at in 0..lost.replies {
            if at > 0 || !lost.told {
                refusal::write_lost(to_client, &lull.lull);
                refused += 1;
            }
            backend::write_ready_for_query(to_client, status);
        }
        if lost.batch {
            refusal::write_lost(to_client, &lull.lull);
            refused += 1;
        }
        self.effects().counts.refused[Refused::Lost as usize] += refused;
    }

    /// Each batch that the client has sent is answered as one that failed. True where there was one.
    fn refuse_held(&mut self, held: &[u8], out: &mut Outlets) -> Result<bool, Fault> {
        let mut at = 0;
        let mut any = false;
        loop {
            let piece = self.client.next(held, &mut at, |_| Want::Discard);
            let header = match piece.map_err(Fault::client)? {
                Piece::End => return Ok(any),
                Piece::Body(_) => continue,
                Piece::Message(header, seen) => {
                    if seen == Seen::Gathered {
                        drop(self.client.gathered());
                    }
                    header
                }
            };
            let Some(lull) = &mut self.lull else { continue };
            let to_client = out.to_client.buffer(&[]);
            match header.tag {
                tags::SYNC => {
                    lull.skipping = false;
                    lull.batch_lost = false;
                    backend::write_ready_for_query(to_client, Status::Idle);
                }
                tags::TERMINATE => self.farewell = true,
                _ if lull.skipping => {}
                tags::QUERY | tags::FUNCTION_CALL => {
                    refusal::write_lost(to_client, &lull.lull);
                    backend::write_ready_for_query(to_client, Status::Idle);
                    any = true;
                }
                tags::PARSE | tags::BIND | tags::DESCRIBE | tags::EXECUTE | tags::CLOSE => {
                    refusal::write_lost(to_client, &lull.lull);
                    (lull.skipping, any) = (true, true);
                }
                _ => {}
            }
        }
    }
}

/// admin_shutdown, crash_shutdown, cannot_connect_now; and a conflict with recovery.
const GOES: [&[u8]; 4] = [b"57P01", b"57P02", b"57P03", b"40001"];

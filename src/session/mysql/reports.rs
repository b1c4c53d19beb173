//! What the server reports of the session in its OK packets: what lull has asked for, what the client has, and which of
//! it the client sees.
//!
//! Guarantees that a client sees what it would see had lull asked for nothing, as far as the server's reports allow to
//! tell. In normal mode nobody looks at SQL text: what the client sets is known because the server reports that too.
//!
//! It must not know when lull asks for what.

use std::collections::HashSet;

use crate::{
    session::outlet::Outlets,
    wire::mysql::{
        capability::{Capabilities, Status},
        ok::{self, Change, Kind as Report, Ok as OkPacket},
        packet::{self, Header},
    },
};

use super::{MySession, Set, own::Seen};

/// The letters of no transaction, and of one that has just begun.
const OVER: &[u8; 8] = b"________";
const BEGUN: &[u8; 8] = b"T_______";

/// Whether the server reports what transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Armed {
    /// It cannot, or the client has turned it off.
    Never,
    Due,
    Asked,
    /// Because lull has asked for it.
    Yes,
    /// Because the client has.
    ByClient,
}

/// The setting that says what is reported of transactions.
const TRANSACTIONS: &[u8] = b"session_track_transaction_info";
/// The setting that lists the variables whose changes are reported. lull has both of them listed.
const VARIABLES: &[u8] = b"session_track_system_variables";

fn is_own_name(name: &[u8]) -> bool {
    name == TRANSACTIONS || name == VARIABLES
}

impl MySession {
    /// Whether the server has reported all that the open transaction has done.
    pub(super) fn is_reported(&self) -> bool {
        matches!(self.armed, Armed::Yes | Armed::ByClient)
    }

    pub(super) fn looked(&mut self, mut seen: Seen) {
        let database = seen.database.clone();
        let as_client_has_it = !self.sets_reports() || self.is_bare();
        if as_client_has_it && self.is_reported() && seen.kept.is_silent() {
            // The client has turned it off.
            self.armed = Armed::Never;
        }
        if as_client_has_it && self.lists && !seen.kept.tracks(TRANSACTIONS) {
            // The client has another list now: what it has done with the reports was not seen.
            self.lists = false;
            self.work.may_be_unseen(self.server.is_mariadb());
        }
        if self.set == Set::GuardAlone {
            // The server takes the guard alone only where the session's own default was this.
            seen.kept.read_only = false;
        }
        let alarmed = self.alarmed;
        self.in_lull(|lull| {
            if let Some(before) = lull.seen.take() {
                // What is to be restored is what held before lull set anything.
                if !as_client_has_it {
                    seen.kept = before.kept;
                } else if alarmed {
                    seen.kept.gtids = before.kept.gtids;
                }
            }
            (lull.seen, lull.stale, lull.passed) = (Some(seen), false, HashSet::new());
        });
        self.moved(None, &database);
    }

    /// The client's own settings hold although lull's are due.
    pub(super) fn is_bare(&self) -> bool {
        self.lull.as_ref().is_some_and(|lull| lull.bare)
    }

    /// What the server reports is what lull has set for a lull.
    fn sets_reports(&self) -> bool {
        matches!(self.set, Set::Reports | Set::Guard)
    }

    /// Between transactions, the server's reports are complete again from here on.
    pub(super) fn rearm(&mut self) {
        let tracks = self.agreed.upstream.has(Capabilities::SESSION_TRACK);
        if self.armed == Armed::Never && self.sets_reports() && !self.is_bare() && tracks {
            self.armed = Armed::Yes;
        }
    }

    /// What the client has set holds again.
    pub(super) fn disarm(&mut self) {
        let silent = |lull: &super::InLull| lull.seen.as_ref().is_some_and(|seen| seen.kept.is_silent());
        if self.lull.as_deref().is_some_and(silent) {
            self.armed = Armed::Never;
        }
    }

    /// The server reports that a variable of the session's has changed.
    pub(super) fn variable_changed(&mut self, name: &[u8], value: &[u8]) {
        let read_only = name == b"transaction_read_only" || name == b"tx_read_only";
        let ordered = self.is_read_only_ordered();
        if read_only && self.set == Set::Guard && (ordered || self.reads_guarded()) && !is_on(value) {
            // Lifted: the guard is set again before anything else goes up.
            self.set = Set::Reports;
            self.effects().counts.reasserts_session += 1;
        } else if read_only && self.set == Set::Reports && !ordered && !self.hears_own() {
            // The client's own wish, which a guard must give back.
            self.in_lull(|lull| lull.wish = Some(is_on(value)));
        }
        // How texts are read has changed: it is asked again. What holds is remembered from before the guard.
        if matches!(name, b"sql_mode" | b"character_set_client") {
            self.in_lull(|lull| lull.stale = true);
        }
    }

    /// lull has had its names listed, unless there is an asterisk.
    pub(super) fn listed(&mut self, ok: &OkPacket<'_>) {
        self.lists = ok.changes().any(|change| {
            matches!(change.kind, Report::Variable { name, value } if name == VARIABLES && value != b"*")
        });
    }

    /// What the reply to a command of the client's reports of the reports: the client, or a routine that it has called,
    /// has set them.
    fn client_changed(&mut self, ok: &OkPacket<'_>) {
        let was_reported = self.is_reported();
        for change in ok.changes() {
            match change.kind {
                Report::Variable { name, value } if name == TRANSACTIONS => {
                    self.armed = match value {
                        b"OFF" => Armed::Never,
                        _ => Armed::ByClient,
                    };
                    // What it does from now on, or what it has done until now, is not reported.
                    if self.in_transaction() && (self.armed == Armed::Never || !was_reported) {
                        self.work.is_unseen();
                    }
                }
                Report::Variable { name, value } if name == VARIABLES => {
                    self.lists &= value != b"*" && contains(value, TRANSACTIONS);
                }
                // Nobody else asks for it.
                Report::Characteristics(_) if self.armed == Armed::Yes => self.armed = Armed::ByClient,
                _ => {}
            }
        }
    }

    /// What an OK packet of a reply to the client reports, once the client sees it. None where it is as it came.
    pub(super) fn reports(&mut self, ok: &OkPacket<'_>) -> Option<Vec<u8>> {
        let was = self.armed;
        self.client_changed(ok);
        if !ok.status.has(Status::SESSION_STATE_CHANGED) {
            return None;
        }
        let shown = self.shown(ok, was);
        if shown.as_deref() == Some(ok.state) {
            return None;
        }
        let mut payload = Vec::new();
        ok.write_with(&mut payload, shown.as_deref());
        Some(payload)
    }

    /// The reports that the client would have got had lull asked for nothing. None for no word of any.
    fn shown(&mut self, ok: &OkPacket<'_>, was: Armed) -> Option<Vec<u8>> {
        if !self.agreed.client.has(Capabilities::SESSION_TRACK) {
            return None;
        }
        let (mut shown, mut told) = (Vec::new(), false);
        let mut turned_on = was == Armed::Yes && self.armed == Armed::ByClient;
        for change in ok.changes() {
            match change.kind {
                Report::Transaction(letters) if self.armed == Armed::Yes => {
                    told |= self.tell_of_transaction(letters, &mut shown);
                    continue;
                }
                Report::Transaction(letters) => {
                    turned_on = false;
                    self.told_of_begin = letters.starts_with(b"T");
                }
                Report::Characteristics(_) if self.server.is_mariadb() && std::mem::take(&mut turned_on) => {
                    ok::write_transaction(&mut shown, OVER);
                }
                // That it is set counts as a change where there is no other.
                Report::Variable { name, value } if name == TRANSACTIONS => told |= value != b"OFF",
                _ => {}
            }
            if self.shows(&change) {
                shown.extend_from_slice(change.raw);
            }
        }
        if turned_on && self.server.is_mariadb() {
            // Where lull had not turned them on before, they begin so.
            ok::write_transaction(&mut shown, OVER);
        }
        told |= ok.state.is_empty() && (self.armed != Armed::Yes || self.told_of_begin);
        (told || !shown.is_empty()).then_some(shown)
    }

    /// MySQL reports where explicit transactions begin and end to whoever hears of anything. True where it has nothing new
    /// to say but says so.
    fn tell_of_transaction(&mut self, letters: &[u8], shown: &mut Vec<u8>) -> bool {
        if self.server.is_mariadb() {
            return false;
        }
        let begun = letters.starts_with(b"T");
        let before = std::mem::replace(&mut self.told_of_begin, begun);
        if begun != before {
            ok::write_transaction(shown, if begun { BEGUN } else { OVER });
        }
        begun && before && letters == BEGUN
    }

    /// Whether the client would be told of a change if lull had not asked for more.
    fn shows(&self, change: &Change<'_>) -> bool {
        match change.kind {
            Report::Transaction(_) | Report::Characteristics(_) => self.armed != Armed::Yes,
            Report::Variable { name, .. } if self.lists && is_own_name(name) => false,
            _ => self.shows_in_lull(change),
        }
    }

    /// Whether the client would see a report of the server's had lull not asked for more of them in a lull.
    fn shows_in_lull(&self, change: &Change<'_>) -> bool {
        let seen = self.lull.as_ref().and_then(|lull| lull.seen.as_ref());
        let Some(kept) = seen.map(|seen| &seen.kept) else {
            return true;
        };
        match change.kind {
            // They cannot be turned off in a transaction, and so may outlast the lull.
            Report::Gtids(_) => !self.alarmed || kept.tracks_gtids(),
            _ if !self.sets_reports() || self.is_bare() => true,
            Report::Variable { name, .. } => kept.tracks(name),
            Report::Schema(_) => kept.schema,
            _ => true,
        }
    }

    /// MariaDB says in EOF packets too that something has changed, which they do not name. True where the client has got
    /// the packet without that, for it has not asked.
    pub(super) fn hides_changes(
        &self,
        header: Header,
        status: Status,
        payload: &[u8],
        chunk: &[u8],
        out: &mut Outlets,
    ) -> bool {
        let reports_more = self.armed == Armed::Yes || self.lull.is_some() && self.armed != Armed::ByClient;
        if !reports_more || !status.has(Status::SESSION_STATE_CHANGED) {
            return false;
        }
        let mut shown = payload.to_vec();
        ok::hide_changes(&mut shown);
        packet::write(out.to_client.buffer(chunk), header.sequence, &shown);
        true
    }
}

fn contains(text: &[u8], name: &[u8]) -> bool {
    text.windows(name.len())
        .any(|part| part.eq_ignore_ascii_case(name))
}

fn is_on(value: &[u8]) -> bool {
    value == b"ON" || value == b"1"
}

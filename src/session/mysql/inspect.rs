//! Judges the commands of a session that a lull covers, or is open beside.
//!
//! Guarantees that no text goes up unread. What the server's read-only state stops goes up for the server to refuse; a
//! refusal of lull's own is an error packet in the place of the reply, which leaves session and transaction as they
//! are.

use crate::{
    session::Refused,
    sql::mysql::{self as sql, Dialect, Script, SqlModes, Transaction},
    wire::mysql::{
        attributes,
        capability::{Capabilities, Status},
        command,
        packet::Header,
    },
};

use super::{
    Cover, InLull, MySession, Set,
    beside::{ForOne, Unaudited},
    in_lull::Asked,
    judgement::{Around, Judgement, Learned, Use},
    own::Own,
    refusal::Refusal,
};

/// A ROLLBACK with all that may stand around it is not longer.
const ROLLBACK_BYTES_MAX: usize = 1000;

/// What becomes of a command.
#[derive(Debug)]
pub(super) enum Verdict {
    Pass,
    /// This payload goes up in its place.
    Rewritten(Vec<u8>),
    Refuse(Refusal),
    /// Something must be known first.
    Wait,
    /// lull says this first.
    First(Own),
}

impl MySession {
    pub(super) fn judge(&mut self, header: Header, payload: &[u8]) -> Verdict {
        let verdict = self.verdict(header, payload);
        if !matches!(verdict, Verdict::Wait | Verdict::First(_)) {
            // It was about this command.
            self.in_lull(|lull| lull.learned = Learned::default());
        }
        verdict
    }

    fn verdict(&mut self, header: Header, payload: &[u8]) -> Verdict {
        let first = header.first.unwrap_or_default();
        if let Some(refusal) = self.tell(first, payload) {
            return Verdict::Refuse(refusal);
        }
        if !self.judges() {
            // SET TRANSACTION lifts the guard once, and no server tells of it.
            let ordered = self.is_read_only_ordered();
            self.in_lull(|lull| lull.unjudged |= ordered);
            return Verdict::Pass;
        }
        let seen_whole = payload.len() == header.payload_bytes && !header.continues();
        match first {
            command::QUERY | command::STMT_PREPARE if !seen_whole => Verdict::Refuse(self.too_large()),
            command::QUERY => self.judge_query(payload),
            command::STMT_PREPARE => self.judge_text(payload, 1, Use::Prepare),
            command::STMT_EXECUTE | command::STMT_BULK_EXECUTE => self.judge_execution(payload),
            _ if self.is_covered() && !is_harmless(first) => Verdict::Refuse(Refusal::new(
                Refused::Leak,
                "This command acts on the whole server.",
            )),
            _ => Verdict::Pass,
        }
    }

    /// That the drain policy has ended its transaction, before anything of it runs.
    fn tell(&mut self, first: u8, payload: &[u8]) -> Option<Refusal> {
        let mut lull = self.lull.take()?;
        let dialect = self.dialect_in(&lull);
        let ends = || dialect.is_some_and(|dialect| self.rolls_back(first, payload, dialect));
        let refusal = lull.straggle.tell(first, ends);
        self.lull = Some(lull);
        refusal
    }

    /// Whether a command is nothing but ROLLBACK.
    fn rolls_back(&self, first: u8, payload: &[u8], dialect: Dialect) -> bool {
        let start = self.text_start(payload).filter(|_| first == command::QUERY);
        let text = start.and_then(|start| payload.get(start..));
        let Some(text) = text.filter(|text| text.len() <= ROLLBACK_BYTES_MAX) else {
            return false;
        };
        let script = sql::analyze(text, dialect, true);
        let [statement] = script.statements.as_slice() else {
            return false;
        };
        let plain = |word: Option<bool>| word != Some(true);
        matches!(
            statement.transaction,
            Some(Transaction::Rollback { chain, release }) if plain(chain) && plain(release)
        )
    }

    /// Whether what the client sends is looked at.
    fn judges(&self) -> bool {
        self.is_covered() || self.beside().is_some()
    }

    fn too_large(&mut self) -> Refusal {
        self.effects().counts.inspect_bytes_hits += 1;
        let limit = self.settings.inspect_bytes_max;
        let why = format!("It is refused because it is longer than {limit} bytes (inspect_bytes_max).");
        Refusal::new(Refused::Unknown, why)
    }

    /// Where the text of a COM_QUERY begins.
    pub(super) fn text_start(&self, payload: &[u8]) -> Option<usize> {
        if self.agreed.client.has(Capabilities::QUERY_ATTRIBUTES) {
            attributes::text_start(payload)
        } else {
            Some(1)
        }
    }

    fn judge_query(&mut self, payload: &[u8]) -> Verdict {
        match self.text_start(payload) {
            Some(start) => self.judge_text(payload, start, Use::Run),
            None => Verdict::Refuse(Refusal::new(
                Refused::Unknown,
                "Its query attributes cannot be read.",
            )),
        }
    }

    fn judge_text(&mut self, payload: &[u8], start: usize, wants: Use<'_>) -> Verdict {
        let Some(dialect) = self.dialect() else {
            return Verdict::Refuse(Refusal::new(Refused::Unknown, NOT_LOOKED));
        };
        let text = payload.get(start..).unwrap_or_default();
        // Whether the server takes several at a time, COM_SET_OPTION can change: they are looked at in any case.
        let script = sql::analyze(text, dialect, wants == Use::Run);
        let judged = self.judge_script(text, &script, wants);
        if wants == Use::Prepare {
            // Under a guard that is not the client's affair, the server would not prepare what writes.
            let known_later = |refusal: &Refusal| refusal.until_audited || refusal.until_known.is_some();
            let waits = matches!(&judged, Judgement::Refuse(refusal) if known_later(refusal));
            return if waits && self.reads_guarded() {
                self.carry_out(judged, payload, start)
            } else {
                judged.unchanged()
            };
        }
        match self.carry_out(judged, payload, start) {
            Verdict::Pass => self.answer_signals(&script, dialect, payload, start),
            Verdict::Rewritten(edited) => match self.answer_signals(&script, dialect, &edited, start) {
                Verdict::Pass => Verdict::Rewritten(edited),
                verdict => verdict,
            },
            verdict => verdict,
        }
    }

    /// Who asks whether the server is read-only is told so, by a text that asks for something that is on.
    fn answer_signals(&self, script: &Script, dialect: Dialect, payload: &[u8], start: usize) -> Verdict {
        if !self.settings.signals || !self.is_covered() {
            return Verdict::Pass;
        }
        let (before, text) = payload.split_at_checked(start).unwrap_or_default();
        match script.answered(text, dialect) {
            Some(answered) => Verdict::Rewritten([before, &answered].concat()),
            None => Verdict::Pass,
        }
    }

    /// A statement that was prepared: before the lull, when nobody knew how texts were read, or in it.
    fn judge_execution(&mut self, payload: &[u8]) -> Verdict {
        let id = command::statement_id(payload);
        let known = |lull: &InLull| id.is_some_and(|id| lull.passed.contains(&id));
        let bound = self.cover == Cover::Server || self.beside().is_some();
        if bound && self.lull.as_deref().is_some_and(known) {
            return Verdict::Pass;
        }
        let prepared = id.and_then(|id| self.statements.get(id)).cloned();
        let (Some(prepared), Some(now)) = (prepared, self.dialect()) else {
            let why = "It is refused because the text of this prepared statement is not known (prepared_statements_max).";
            return Verdict::Refuse(Refusal::new(Refused::Unknown, why));
        };
        let mut verdict = None;
        for dialect in readings(&prepared.text, now) {
            let script = sql::analyze(&prepared.text, dialect, false);
            let judged = self.judge_script(&prepared.text, &script, Use::Execute(&prepared.database));
            match judged {
                Judgement::Pass(_) if verdict.is_some() => {}
                Judgement::Pass(_) => verdict = Some(judged),
                stricter => return self.carry_out(stricter, payload, 0).unchanged(),
            }
        }
        let judged =
            verdict.unwrap_or_else(|| Judgement::Refuse(Refusal::new(Refused::Unknown, READ_DIFFERENTLY)));
        let guarded = self.lull.as_deref().is_some_and(|lull| lull.guards_next);
        if let (Judgement::Pass(does), Some(id), true) = (&judged, id, bound && !guarded)
            && does.is_nothing()
            && id != u32::MAX
        {
            self.in_lull(|lull| {
                lull.passed.insert(id);
            });
        }
        self.carry_out(judged, payload, 0).unchanged()
    }

    fn judge_script(&self, text: &[u8], script: &Script, wants: Use<'_>) -> Judgement {
        let Some(lull) = self.lull.as_deref() else {
            return Judgement::pass();
        };
        let around = Around {
            frozen: self.cover != Cover::Server,
            in_transaction: self.in_transaction(),
            wants,
            database: match wants {
                Use::Execute(database) => database,
                Use::Run | Use::Prepare => &self.database,
            },
            audited: lull.audited.as_deref(),
            elsewhere: &lull.elsewhere,
            asked_about: &lull.asked_about,
            guard: match () {
                () if self.is_covered() || self.in_transaction() => ForOne::Never,
                () if !self.status.has(Status::AUTOCOMMIT) => ForOne::Never,
                () if lull.guards_next && self.set == Set::Guard => ForOne::On,
                () => ForOne::Off,
            },
            named: &lull.named,
            learned: lull.learned,
            unaudited: match () {
                () if !self.reads_guarded() || self.in_transaction() => Unaudited::Nothing,
                () if self.status.has(Status::AUTOCOMMIT) => Unaudited::Guard,
                () => Unaudited::GuardWithoutAutocommit,
            },
        };
        if self.is_covered() {
            self.could_not_come_home(around.judge(text, script), text, script)
        } else {
            around.judge_beside(text, script, &self.order.mode)
        }
    }

    /// Keeps in mind what follows from a command that passes.
    fn carry_out(&mut self, judged: Judgement, payload: &[u8], start: usize) -> Verdict {
        self.in_lull(|lull| lull.guards_next = false);
        match judged {
            // In a branch that has ended the server itself runs next to nothing.
            Judgement::Refuse(refusal) if refusal.until_audited && self.deaf => Verdict::Pass,
            Judgement::Refuse(refusal) if refusal.until_audited => {
                self.in_lull(|lull| lull.unaudited = true);
                self.effects().needs_audit = true;
                Verdict::Wait
            }
            Judgement::Refuse(refusal) if refusal.until_known.is_some() => self.ask_about(refusal),
            Judgement::Refuse(refusal) => Verdict::Refuse(refusal),
            Judgement::First(own) => Verdict::First(own),
            Judgement::Pass(does) => {
                self.in_lull(InLull::passed);
                self.does(&does);
                if does.edits.is_empty() {
                    return Verdict::Pass;
                }
                let mut edited = payload.to_vec();
                for (range, with) in does.edits {
                    let range = range.start + start..range.end + start;
                    if let Some(place) = edited.get_mut(range).filter(|place| place.len() == with.len()) {
                        place.copy_from_slice(with);
                    }
                }
                Verdict::Rewritten(edited)
            }
        }
    }

    /// A command names another database: what is there is asked for once.
    fn ask_about(&mut self, refusal: Refusal) -> Verdict {
        let (Some(database), Some(lull)) = (&refusal.until_known, &mut self.lull) else {
            return Verdict::Refuse(refusal);
        };
        lull.guards_next = refusal.under_guard;
        match lull.ask_about(database) {
            Asked::InVain if refusal.under_guard => {}
            Asked::InVain => return Verdict::Refuse(refusal),
            Asked::Now => self.effects.get_or_insert_default().needs_audit_of = Some(database.clone()),
            Asked::Before => {}
        }
        // The answer may need a question on this very session.
        lull.unaudited = true;
        Verdict::Wait
    }

    /// How the server reads the client's texts now; None before it has said so.
    fn dialect(&self) -> Option<Dialect> {
        self.dialect_in(self.lull.as_ref()?)
    }

    fn dialect_in(&self, lull: &InLull) -> Option<Dialect> {
        let seen = lull.seen.as_ref()?;
        let mut modes = SqlModes::from_value(seen.sql_mode.as_bytes());
        modes.no_backslash_escapes |= self.status.has(Status::NO_BACKSLASH_ESCAPES);
        Some(Dialect {
            flavor: self.server.flavor,
            version: self.server.version,
            charset: sql::Charset::from_name(seen.character_set.as_bytes()),
            modes,
        })
    }
}

impl Verdict {
    /// For a command whose text is not in it.
    fn unchanged(self) -> Self {
        match self {
            Self::Rewritten(_) => Self::Refuse(Refusal::new(Refused::Lift, PREPARED_LIFT)),
            verdict => verdict,
        }
    }
}

impl Judgement {
    /// What a text may do when it is prepared, which runs nothing.
    fn unchanged(self) -> Verdict {
        match self {
            Self::Pass(does) if does.edits.is_empty() => Verdict::Pass,
            Self::Pass(_) | Self::First(_) => Verdict::Refuse(Refusal::new(Refused::Lift, PREPARED_LIFT)),
            // It is judged again when it is executed.
            Self::Refuse(refusal) if refusal.until_audited || refusal.until_known.is_some() => Verdict::Pass,
            Self::Refuse(refusal) => Verdict::Refuse(refusal),
        }
    }
}

/// The ways in which a text may have been read when it was prepared.
fn readings(text: &[u8], now: Dialect) -> Vec<Dialect> {
    let depends = text.iter().any(|byte| matches!(byte, b'\\' | b'"'));
    // A later byte of a character that some character sets take for part of it.
    let double = text
        .windows(2)
        .any(|pair| matches!(pair, [0x80..=0xff, b'\\' | b'`']));
    match (double, depends) {
        (true, _) => Vec::new(),
        (false, false) => vec![now],
        (false, true) => {
            let with = |no_backslash_escapes, ansi_quotes| Dialect {
                modes: SqlModes {
                    no_backslash_escapes,
                    ansi_quotes,
                    ..now.modes
                },
                ..now
            };
            vec![
                with(false, false),
                with(false, true),
                with(true, false),
                with(true, true),
            ]
        }
    }
}

/// Commands that change nothing but the session, or nothing at all.
fn is_harmless(first: u8) -> bool {
    matches!(
        first,
        command::QUIT
            | command::INIT_DB
            | command::FIELD_LIST
            | command::STATISTICS
            | command::PROCESS_INFO
            | command::PING
            | command::CHANGE_USER
            | command::BINLOG_DUMP
            | command::BINLOG_DUMP_GTID
            | command::REGISTER_SLAVE
            | command::STMT_SEND_LONG_DATA
            | command::STMT_CLOSE
            | command::STMT_RESET
            | command::STMT_FETCH
            | command::SET_OPTION
            | command::RESET_CONNECTION
    )
}

const NOT_LOOKED: &str = "It is refused because the session's settings are not known.";
const PREPARED_LIFT: &str = "It is refused because a prepared statement must not change what a lull depends on; sent as text it runs.";
const READ_DIFFERENTLY: &str =
    "It is refused because the text of this prepared statement is read differently in other character sets.";

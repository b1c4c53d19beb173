//! Judges the messages of a session that a lull covers.
//!
//! Guarantees that no text goes up unread. What the server's read-only state stops goes up for the server to refuse;
//! a refusal of lull's own is a message that fails on the server in the refused one's place, so that transaction,
//! pipeline and reply stream are in step without being emulated.

use std::rc::Rc;

use crate::{
    fault::Fault,
    session::{Refused, Site},
    sql::pg::{self as sql, Class, DoBlock, Modes, Opaque, RefusedWords, Statement, Unlexable},
    wire::pg::{
        backend::Status,
        frame::Header,
        frontend::{self as tags, Named},
    },
};

use super::{
    Cover, InLull, Kind, Open, PgSession,
    batch::{Around, Step},
    book::Found,
    own,
    refusal::Refusal,
    replication,
    stand::of_class,
};

#[derive(Debug)]
pub(super) enum Decision {
    Pass,
    Wrap,
    /// It must be wrapped, and the server still owes replies to what only names or closes something.
    Settle,
    Refuse(Refusal),
    /// It is malformed. The server gets it without its body, which is malformed whatever it was, and says so.
    Empty,
    /// The server must say first what a name stands for.
    Ask,
}

/// A prepared EXECUTE of a prepared EXECUTE: nobody needs many.
const NAMES_DEPTH_MAX: usize = 4;

/// What only reads among the functions that libpq calls by FunctionCall: lo_open, lo_close, loread, lo_lseek, lo_tell,
/// lo_lseek64, lo_tell64. Opening for writing writes nothing, and lowrite is not here.
const READING_FUNCTIONS: [u32; 7] = [952, 953, 954, 956, 958, 3170, 3171];

impl PgSession {
    pub(super) fn examine(&mut self, tag: u8, body: &[u8]) -> Result<Decision, Fault> {
        let judged = match tag {
            tags::QUERY => tags::query(body).map(|text| self.examine_query(text)),
            tags::PARSE => tags::parse(body).map(|said| self.examine_parse(said)),
            tags::BIND => tags::bind(body).map(|(portal, statement)| self.examine_bind(portal, statement)),
            tags::EXECUTE => tags::execute(body).map(|portal| self.examine_execute(portal)),
            tags::CLOSE => tags::named(body).map(|named| self.examine_close(named)),
            tags::FUNCTION_CALL => tags::function_call(body).map(examine_function),
            tags::DESCRIBE => tags::named(body).map(|named| self.examine_describe(named)),
            tags::FLUSH | tags::SYNC | tags::TERMINATE => Ok(Decision::Pass),
            tags::COPY_DATA | tags::COPY_DONE | tags::COPY_FAIL => Ok(Decision::Pass),
            // What is not known cannot be judged.
            other => {
                return Err(Fault::client(format!(
                    "a message of unknown type 0x{other:02x} in a lull"
                )));
            }
        };
        Ok(judged.unwrap_or(Decision::Empty))
    }

    fn examine_close(&mut self, named: Named<'_>) -> Decision {
        self.in_lull(|lull| match named {
            Named::Statement(name) => lull.book.close_statement(name),
            Named::Portal(name) => lull.book.close_portal(name),
        });
        Decision::Pass
    }

    fn examine_query(&mut self, text: &[u8]) -> Decision {
        if self.kind != Kind::Sql
            && let Some(decision) = replication::examine(text, self.kind)
        {
            return decision;
        }
        let statements = match self.read(text) {
            Ok(statements) => statements,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        if statements.iter().any(|statement| self.must_ask_for(statement)) && self.is_quiet() {
            return self.ask();
        }
        self.in_lull(|lull| lull.book.forget_unnamed());
        let mut decision = Decision::Pass;
        for statement in &statements {
            match self.step(statement) {
                Ok(Step::Pass) => {}
                Ok(Step::Wrap) if statements.len() == 1 => match self.wrap() {
                    Some(wraps) => decision = wraps,
                    None => return Decision::Refuse(not_alone(statement)),
                },
                Ok(Step::Wrap) => return Decision::Refuse(not_alone(statement)),
                Err(refusal) => return Decision::Refuse(refusal),
            }
            self.enter_in_book(statement);
        }
        decision
    }

    fn examine_parse(&mut self, said: tags::Parse<'_>) -> Decision {
        let audited = self.lull.as_ref().and_then(|lull| lull.audited.as_ref());
        if audited.is_some_and(|audited| said.types().any(|oid| audited.oids.contains(&oid))) {
            let why =
                "It is refused because a parameter is of a type whose checks could write behind the lull.";
            return Decision::Refuse(Refusal::new(Refused::Hidden, "this statement", why));
        }
        let (name, text) = (said.name, said.text);
        let limit = self.settings.prepared_statements_max;
        if self.lull.as_ref().is_some_and(|lull| lull.book.len() >= limit) {
            let why = format!(
                "More than {limit} prepared statements cannot be watched over (prepared_statements_max)."
            );
            self.effects().counts.prepared_statements_hits += 1;
            return Decision::Refuse(Refusal::new(Refused::Unknown, "PREPARE", why));
        }
        let mut statements = match self.read(text) {
            Ok(statements) => statements,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        let statement = match (statements.pop(), statements.is_empty()) {
            (None, _) => of_class(Class::Inert),
            (Some(statement), true) => statement,
            // The server refuses more than one statement here. If it did not, this would be refused at Bind.
            (Some(last), false) => Statement {
                class: Class::Leak("it is more than one statement"),
                ..last
            },
        };
        let decision = match (statements.is_empty(), self.foresee(&statement)) {
            (true, Err(refusal)) => Decision::Refuse(refusal),
            (_, Ok(Step::Wrap)) => self.wrap().unwrap_or(Decision::Pass),
            _ => Decision::Pass,
        };
        // What is held is judged again.
        if matches!(decision, Decision::Pass) {
            self.travel.keep_parse(&said);
            self.in_lull(|lull| lull.book.parse(name, Rc::new(statement)));
        }
        decision
    }

    fn examine_bind(&mut self, portal: &[u8], name: &[u8]) -> Decision {
        let statement = match self.find(|lull| lull.book.statement(name)) {
            Found::Statement(statement) => statement,
            Found::Nothing => return self.pass_unknown(),
            Found::Unknown => return self.ask_or_refuse(name),
        };
        let decision = match self.foresee(&statement) {
            Err(refusal) => return Decision::Refuse(refusal),
            Ok(Step::Wrap) => self.wrap().unwrap_or(Decision::Pass),
            Ok(Step::Pass) => Decision::Pass,
        };
        if matches!(decision, Decision::Pass) {
            self.in_lull(|lull| lull.book.bind(portal, statement));
        }
        decision
    }

    /// A statement may be analysed anew to be described.
    fn examine_describe(&self, named: Named<'_>) -> Decision {
        if let Named::Statement(name) = named
            && let Found::Statement(statement) = self.find(|lull| lull.book.statement(name))
            && let Err(refusal) = self.foresee(&statement)
        {
            return Decision::Refuse(refusal);
        }
        Decision::Pass
    }

    fn examine_execute(&mut self, portal: &[u8]) -> Decision {
        let statement = match self.find(|lull| lull.book.portal(portal)) {
            Found::Statement(statement) => statement,
            Found::Nothing => return self.pass_unknown(),
            // Outside a transaction no portal outlives its batch.
            Found::Unknown if self.transaction.status == Status::Idle => return self.pass_unknown(),
            Found::Unknown => return self.ask_or_refuse(b"portal"),
        };
        if self.must_ask_for(&statement) && self.is_quiet() {
            return self.ask();
        }
        match self.step(&statement) {
            Ok(Step::Wrap) => Decision::Refuse(not_alone(&statement)),
            Ok(Step::Pass) => {
                self.enter_in_book(&statement);
                Decision::Pass
            }
            Err(refusal) => Decision::Refuse(refusal),
        }
    }

    /// Reads a text as the server will.
    fn read(&self, text: &[u8]) -> Result<Vec<Statement>, Refusal> {
        let unreadable = |why: Unlexable| Refusal::new(Refused::Unknown, "this statement", format!("{why}."));
        let Some(lull) = &self.lull else {
            return Ok(Vec::new());
        };
        let modes = lull.batch.modes(self.parameters.modes());
        let mut statements = sql::statements(text, &modes).map_err(unreadable)?;
        let words = lull.audited.as_ref().map(|audited| &audited.words);
        if let Some(words) = words.filter(|words| !words.is_empty())
            && let Some(word) = words.mentioned(text, &modes).map_err(unreadable)?
        {
            let why =
                format!("It is refused because it mentions \"{word}\", which could write behind the lull.");
            let command = statements
                .first()
                .map_or("this statement".into(), |statement| statement.tag.clone());
            return Err(Refusal::new(Refused::Hidden, command, why));
        }
        for statement in &mut statements {
            if let Class::Opaque(Opaque::Do(block)) = &mut statement.class {
                read_block(block, &modes, words);
            }
        }
        Ok(statements)
    }

    fn around(&self) -> Around {
        let reassert = self.lull.as_ref().is_some_and(|lull| lull.must_reassert);
        Around {
            status: self.transaction.status,
            // Also where the guard behind a lift has failed, with the transaction.
            downgraded: self.cover == Cover::Transaction || reassert,
            failed_uncovered: self.cover == Cover::Failed,
            guarded: self.guard_holds(),
            lexing_returns: self.lull.as_ref().is_some_and(|lull| lull.lexing_returns),
            server_major: self.parameters.server_major(),
            audited: !self.is_read_only_ordered()
                || self.lull.as_ref().is_none_or(|lull| lull.audited.is_some()),
        }
    }

    /// Follows a statement, and what it executes by name.
    fn step(&mut self, statement: &Statement) -> Result<Step, Refusal> {
        let around = self.around();
        if let Class::Prepare { inner, .. } = &statement.class {
            self.foresee(inner)?;
        }
        let (executed, missing) = self.executed(statement, around.status == Status::Idle)?;
        let Some(lull) = &mut self.lull else {
            return Ok(Step::Pass);
        };
        let mut step = Step::Pass;
        for inner in &executed {
            if lull.batch.step(inner, around)? == Step::Wrap {
                step = Step::Wrap;
            }
        }
        if lull.batch.step(statement, around)? == Step::Wrap {
            step = Step::Wrap;
        }
        if missing {
            lull.batch.unknown();
        }
        let sets = |statement: &Statement| statement.config != sql::SetConfig::None;
        if sets(statement) || executed.iter().any(|inner| sets(inner)) {
            self.travel.changes();
        }
        Ok(step)
    }

    /// What a statement runs by name, through names that stand for names. True where a name stands for nothing.
    fn executed(&self, statement: &Statement, idle: bool) -> Result<(Vec<Rc<Statement>>, bool), Refusal> {
        let mut executed = Vec::new();
        let mut class = statement.class.clone();
        loop {
            let (found, fetch) = match &class {
                Class::Execute { name } => (self.find(|lull| lull.book.statement(name)), false),
                Class::Fetch { name } => (self.find(|lull| lull.book.portal(name)), true),
                _ => return Ok((executed, false)),
            };
            match found {
                Found::Statement(inner) if executed.len() < NAMES_DEPTH_MAX => {
                    class = inner.class.clone();
                    executed.push(inner);
                }
                // A cursor that is in no book was opened by a routine, which the audit has read. Outside a transaction
                // only a held cursor is left, whose rows are ready.
                Found::Nothing => return Ok((executed, !fetch)),
                Found::Unknown if fetch && idle => return Ok((executed, false)),
                Found::Statement(_) | Found::Unknown => return Err(unknown_name(statement)),
            }
        }
    }

    /// How to come to a wrapping transaction for what comes next. None where the batch has begun to run.
    fn wrap(&self) -> Option<Decision> {
        match self.open {
            _ if self.is_quiet() => Some(Decision::Wrap),
            Open::Defining if self.ledger.is_idle() => Some(Decision::Settle),
            _ => None,
        }
    }

    /// The server does not know it either and says so; if it did, nothing could be said about what follows.
    fn pass_unknown(&mut self) -> Decision {
        self.in_lull(|lull| lull.batch.unknown());
        Decision::Pass
    }

    /// What would become of a statement that is only named yet.
    fn foresee(&self, statement: &Statement) -> Result<Step, Refusal> {
        let mut alone = super::batch::Batch::default();
        if let Some(lull) = &self.lull {
            alone.wrapped = lull.batch.wrapped;
            lull.batch.admit(statement, self.around())?;
        }
        alone.step(statement, self.around())
    }

    fn must_ask_for(&self, statement: &Statement) -> bool {
        let found = match &statement.class {
            Class::Execute { name } => self.find(|lull| lull.book.statement(name)),
            Class::Fetch { name } if self.transaction.status != Status::Idle => {
                self.find(|lull| lull.book.portal(name))
            }
            _ => return false,
        };
        matches!(found, Found::Unknown) && self.can_ask()
    }

    fn ask_or_refuse(&mut self, name: &[u8]) -> Decision {
        let complete = self.lull.as_ref().is_none_or(|lull| lull.book.is_complete());
        if self.is_quiet() && !name.is_empty() && !complete && self.can_ask() {
            return self.ask();
        }
        Decision::Refuse(Refusal::new(Refused::Unknown, "this statement", NAMED_BEFORE))
    }

    /// What the server says that a name stands for can be judged only when the audit is known: until then it waits.
    fn ask(&self) -> Decision {
        match self.lull.as_ref().is_some_and(|lull| lull.audited.is_some()) {
            true => Decision::Ask,
            false => Decision::Refuse(Refusal::until_audited("this statement")),
        }
    }

    pub(super) fn can_ask(&self) -> bool {
        let failed = self.lull.as_ref().is_some_and(|lull| lull.texts_failed);
        self.transaction.status != Status::Failed && self.kind == Kind::Sql && !failed
    }

    fn enter_in_book(&mut self, statement: &Statement) {
        self.in_lull(|lull| match &statement.class {
            Class::Prepare { name, inner } => lull.book.prepare(name, Rc::new((**inner).clone())),
            Class::Declare { name, .. } => lull.book.declare(name, Rc::new(statement.clone())),
            Class::Deallocate { name: Some(name) } => lull.book.deallocate(name),
            _ => {}
        });
    }

    fn find(&self, in_book: impl FnOnce(&InLull) -> Found) -> Found {
        self.lull.as_deref().map_or(Found::Unknown, in_book)
    }

    pub(super) fn in_lull(&mut self, act: impl FnOnce(&mut InLull)) {
        if let Some(lull) = &mut self.lull {
            act(lull);
        }
    }

    pub(super) fn too_large(&mut self, header: Header) -> Refusal {
        self.effects().counts.inspect_bytes_hits += 1;
        let (is, limit) = (header.body_bytes, self.settings.inspect_bytes_max);
        let why =
            format!("Its message has {is} bytes; up to {limit} can be read in a lull (inspect_bytes_max).");
        Refusal::new(Refused::Unknown, "this statement", why)
    }

    /// The body that goes up instead to a server on which nobody can write: one that begins a transaction, and says READ
    /// WRITE to read. What has a name is not touched: it may be used when the lull is over.
    pub(super) fn without_wish_to_write(&self, tag: u8, body: &[u8]) -> Option<Vec<u8>> {
        let lull = self.lull.as_ref().filter(|_| self.travel.site == Site::Replica)?;
        let text = match tag {
            tags::QUERY => tags::query(body).ok()?,
            tags::PARSE => tags::parse(body).ok().filter(|said| said.name.is_empty())?.text,
            _ => return None,
        };
        let struck = sql::without_read_write(text, &lull.batch.modes(self.parameters.modes()))?;
        let mut instead = body.to_vec();
        // The unnamed statement's name is its end alone.
        let at = usize::from(tag == tags::PARSE);
        instead.get_mut(at..at + struck.len())?.copy_from_slice(&struck);
        Some(instead)
    }

    /// Sends up what fails in the place of a refused message.
    pub(super) fn refuse(&mut self, refusal: Refusal, tag: u8, up: &mut Vec<u8>) {
        match tag {
            tags::QUERY | tags::FUNCTION_CALL => tags::write_query(up, own::FAILING_TEXT),
            tags::SYNC => tags::write(up, tags::SYNC, &[]),
            _ => own::write_failing_parse(up),
        }
        self.effects().counts.refused[refusal.class as usize] += 1;
        self.in_lull(|lull| {
            // The first refusal is the one that the server's error will stand for; it skips what follows.
            lull.batch.refusal.get_or_insert(refusal);
        });
    }
}

/// What a block mentions is refused as it is outside of one.
fn read_block(block: &mut DoBlock, modes: &Modes, words: Option<&RefusedWords>) {
    if let (Some(body), Some(words)) = (&block.body, words.filter(|words| !words.is_empty())) {
        block.findings = sql::inspect(body, block.language, modes, words);
    }
}

fn examine_function(oid: u32) -> Decision {
    if READING_FUNCTIONS.contains(&oid) {
        return Decision::Pass;
    }
    let why = "It is refused because a function that is called by its number cannot be judged.";
    Decision::Refuse(Refusal::new(Refused::Leak, "a function call", why))
}

fn not_alone(statement: &Statement) -> Refusal {
    Refusal::new(
        Refused::Hidden,
        statement.tag.clone(),
        "It runs in a lull only in a message of its own.",
    )
}

fn unknown_name(statement: &Statement) -> Refusal {
    Refusal::new(Refused::Unknown, statement.tag.clone(), NAMED_BEFORE)
}

const NAMED_BEFORE: &str = "It was prepared before the lull and its text is not known here; prepared again, or sent by itself, it runs.";

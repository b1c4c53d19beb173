//! SET: which of its forms touch the guard, and which settings matter to a lull besides.
//!
//! A form that is not known is [`Unlexable::Setting`], never harmless.

use super::Unlexable;
use super::class::{Class, Settings, Transaction, Wish};
use super::lexer::{Kind, Token};
use super::names;
use super::reader::Reader;
use super::transaction;

const GLOBAL: &str = "it changes settings of the whole server";
const REPLICATION: &str = "it changes the position of replication";
const ROLES: &str = "it changes what accounts may do";

/// What one SET does.
#[derive(Debug, Default)]
pub(super) struct Found {
    class: Option<Class>,
    pub(super) settings: Settings,
    pub(super) transaction: Option<Transaction>,
}

impl Found {
    /// Keeps what is worse.
    fn worsen(&mut self, class: Class) {
        let rank = |class: &Class| match class {
            Class::Leak(_) => 4,
            Class::Unknown(_) | Class::SyntaxError => 3,
            Class::Opaque(_) => 2,
            Class::Guarded => 1,
            Class::Lift | Class::Read => 0,
        };
        if self.class.as_ref().is_none_or(|known| rank(&class) > rank(known)) {
            self.class = Some(class);
        }
    }

    pub(super) fn class(&self) -> Class {
        let settings = &self.settings;
        match &self.class {
            Some(Class::Read) | None
                if settings.guard.is_some() || settings.next.is_some() || settings.completion =>
            {
                Class::Lift
            }
            Some(class) => class.clone(),
            None => Class::Read,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Session,
    /// `@@name` without a scope: of transaction settings only the next transaction's.
    Bare,
    Global,
}

/// SET, the word read.
pub(super) fn set(reader: &mut Reader<'_>) -> Found {
    let mut found = Found::default();
    // A list of transaction characteristics has commas of its own and takes all that follows.
    let mut ahead = reader.clone();
    let scope = scope_word(&mut ahead);
    if ahead.eat("transaction") {
        characteristics(&mut ahead, scope, &mut found);
        return found;
    }
    while let Some(mut item) = reader.item() {
        assignment(&mut item, &mut found);
    }
    found
}

fn characteristics(reader: &mut Reader<'_>, scope: Option<Scope>, found: &mut Found) {
    let wish = transaction::characteristics(reader);
    match scope {
        None => found.settings.next = wish,
        Some(Scope::Global) => found.worsen(Class::Leak(GLOBAL)),
        Some(_) => found.settings.guard = wish,
    }
}

fn scope_word(reader: &mut Reader<'_>) -> Option<Scope> {
    if reader.eat_any(&["session", "local"]) {
        return Some(Scope::Session);
    }
    reader
        .eat_any(&["global", "persist", "persist_only"])
        .then_some(Scope::Global)
}

fn assignment(item: &mut Reader<'_>, found: &mut Found) {
    if item.eat_kind(Kind::UserVariable) {
        return found.worsen(value_class(item));
    }
    let scoped = scope_word(item);
    if scoped.is_none() && special(item, found) {
        return;
    }
    let bare = item.eat_kind(Kind::System);
    let Some(mut name) = item.advance() else {
        return found.worsen(Class::Unknown(Unlexable::Setting));
    };
    let mut scope = match scoped {
        Some(scope) => scope,
        None if bare => Scope::Bare,
        None => Scope::Session,
    };
    let mut component = false;
    if item.eat_punct(b'.') {
        match scope_name(item.text(), &name) {
            Some(named) if bare => scope = named,
            _ => component = true,
        }
        let Some(second) = item.advance() else {
            return found.worsen(Class::Unknown(Unlexable::Setting));
        };
        name = second;
    }
    found.worsen(value_class(item));
    if scope == Scope::Global {
        return found.worsen(Class::Leak(GLOBAL));
    }
    if !matches!(name.kind, Kind::Word | Kind::Name | Kind::Quoted) {
        return found.worsen(Class::Unknown(Unlexable::Setting));
    }
    // A component's variable has its own name space; what looks like one of ours is looked at all the same.
    let _ = component;
    variable(item, &name, scope, found);
}

fn scope_name(text: &[u8], name: &Token) -> Option<Scope> {
    let word = names::slice(text, name).to_ascii_lowercase();
    match word.as_slice() {
        b"session" | b"local" => Some(Scope::Session),
        b"global" | b"persist" | b"persist_only" => Some(Scope::Global),
        _ => None,
    }
}

/// Reads the sign of assignment; what stands behind it is an expression, whose calls are looked at elsewhere.
fn value_class(item: &mut Reader<'_>) -> Class {
    if item.eat_punct(b'=') || item.eat_kind(Kind::Assign) {
        Class::Read
    } else {
        Class::Unknown(Unlexable::Setting)
    }
}

/// The forms that are no assignment of a variable, the first word not read.
fn special(item: &mut Reader<'_>, found: &mut Found) -> bool {
    let mut ahead = item.clone();
    let charset =
        ahead.eat_any(&["names", "charset"]) || (ahead.eat_any(&["character", "char"]) && ahead.eat("set"));
    if charset {
        found.settings.lexing = true;
    } else if ahead.eat("password") {
        found.worsen(Class::Guarded);
    } else if ahead.eat("default") && ahead.eat("role") {
        // MariaDB refuses it by itself, MySQL does not.
        found.worsen(Class::Leak(ROLES));
    } else if ahead.eat("role") {
        if ahead.is_punct(b'=') || ahead.is_kind(Kind::Assign) {
            return false;
        }
        found.settings.role = true;
    } else if ahead.eat("resource") && ahead.eat("group") {
        found.worsen(Class::Read);
    } else {
        return false;
    }
    true
}

fn variable(item: &Reader<'_>, name: &Token, scope: Scope, found: &mut Found) {
    let text = item.text();
    let is = |known: &str| names::may_be(text, name, known.as_bytes());
    let settings = &mut found.settings;
    if is("tx_read_only") || is("transaction_read_only") {
        if scope == Scope::Bare {
            settings.next = Some(wish(item));
        } else {
            settings.guard = Some(wish(item));
        }
    } else if is("autocommit") {
        settings.autocommit = Some(wish(item));
    } else if is("completion_type") {
        settings.completion = true;
    } else if is("sql_mode") || is("character_set_client") {
        settings.lexing = true;
    } else if is("gtid_next") {
        found.worsen(Class::Leak(REPLICATION));
    } else if TRACKERS.iter().any(|known| is(known)) {
        settings.trackers = true;
    }
}

/// What a session can be set to report.
pub(super) const TRACKERS: &[&str] = &[
    "session_track_gtids",
    "session_track_schema",
    "session_track_state_change",
    "session_track_system_variables",
    "session_track_transaction_info",
];

/// The value behind the sign of assignment, to the end of the item.
fn wish(item: &Reader<'_>) -> Wish {
    let [token] = item.rest() else {
        return Wish::Unknown;
    };
    let written = names::slice(item.text(), token);
    let written = match token.kind {
        Kind::Text | Kind::Quoted => written
            .get(1..written.len().saturating_sub(1))
            .unwrap_or_default(),
        Kind::Word | Kind::Number => written,
        _ => return Wish::Unknown,
    };
    match written.to_ascii_lowercase().as_slice() {
        b"on" | b"true" | b"1" => Wish::On,
        b"off" | b"false" | b"0" => Wish::Off,
        b"default" if token.kind == Kind::Word => Wish::Default,
        _ => Wish::Unknown,
    }
}

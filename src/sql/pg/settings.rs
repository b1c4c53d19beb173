//! SET and RESET: which of them touch the read-only settings, which change how later texts are lexed.

use super::class::{Class, Wish};
use super::lexer::{Kind, Style};
use super::literal::{self, NAME_BYTES_MAX};
use super::reader::Reader;
use super::transaction;

/// The class, and whether later texts may be lexed otherwise.
pub(super) type Setting = (Class, bool);

enum Variable {
    Default,
    Current,
    Lexing,
    Other,
}

/// SET, the first word read.
pub(super) fn set(reader: &mut Reader<'_>) -> Setting {
    let local = reader.is("local");
    if reader.is_any(&["local", "session"]) {
        let mut ahead = reader.clone();
        ahead.advance();
        // SESSION AUTHORIZATION and SESSION CHARACTERISTICS are no scopes; `session` may even be the variable.
        let scope = !ahead.is_any(&["to", "authorization", "characteristics"]) && !ahead.is_op(b"=");
        if scope && !ahead.is_punct(b'.') {
            *reader = ahead;
        }
    }
    if reader.eat("session") && reader.is("characteristics") {
        return characteristics(reader, local);
    }
    if reader.eat("transaction") {
        // SET TRANSACTION SNAPSHOT '...' takes no modes.
        let access = if reader.is("snapshot") {
            None
        } else {
            transaction::modes(reader)
        };
        return (Class::SetTransaction { access }, false);
    }
    if reader.is("constraints") {
        return (Class::Guarded, false);
    }
    if reader.eat("names") {
        return (Class::Inert, true);
    }
    let variable = variable(reader);
    match variable {
        Variable::Default => (
            Class::SetDefault {
                wish: value(reader),
                local,
            },
            false,
        ),
        Variable::Current => (
            Class::LiftNow {
                wish: value(reader),
                local,
            },
            false,
        ),
        Variable::Lexing => (Class::Inert, true),
        Variable::Other => (Class::Inert, false),
    }
}

/// RESET, the first word read.
pub(super) fn reset(reader: &mut Reader<'_>) -> Setting {
    if reader.is("all") {
        return (Class::ResetAll, true);
    }
    match variable(reader) {
        Variable::Default => (
            Class::SetDefault {
                wish: Wish::Reset,
                local: false,
            },
            false,
        ),
        Variable::Current => (
            Class::LiftNow {
                wish: Wish::Reset,
                local: false,
            },
            false,
        ),
        Variable::Lexing => (Class::Inert, true),
        Variable::Other => (Class::Inert, false),
    }
}

/// SESSION CHARACTERISTICS AS TRANSACTION modes, SESSION read.
fn characteristics(reader: &mut Reader<'_>, local: bool) -> Setting {
    reader.advance();
    reader.eat("as");
    reader.eat("transaction");
    let class = match transaction::modes(reader) {
        Some(access) => Class::SetDefault {
            wish: transaction::wish(access),
            local,
        },
        None => Class::Inert,
    };
    (class, false)
}

/// Reads the name of a variable. Settings are compared without regard to case, quoted or not.
fn variable(reader: &mut Reader<'_>) -> Variable {
    let mut buffer = [0; NAME_BYTES_MAX];
    let variable = match reader.ident(&mut buffer) {
        Some(name) if name.eq_ignore_ascii_case(b"default_transaction_read_only") => Variable::Default,
        Some(name) if name.eq_ignore_ascii_case(b"transaction_read_only") => Variable::Current,
        Some(name) if name.eq_ignore_ascii_case(b"standard_conforming_strings") => Variable::Lexing,
        Some(name) if name.eq_ignore_ascii_case(b"client_encoding") => Variable::Lexing,
        _ => Variable::Other,
    };
    reader.advance();
    // A dotted name is another setting, whatever it starts with.
    if reader.is_punct(b'.') {
        Variable::Other
    } else {
        variable
    }
}

/// `TO value` or `= value`, to the end of the statement.
fn value(reader: &mut Reader<'_>) -> Wish {
    if !reader.eat("to") {
        if !reader.is_op(b"=") {
            return Wish::Unknown;
        }
        reader.advance();
    }
    let Some(token) = reader.peek() else {
        return Wish::Unknown;
    };
    let wish = match token.kind {
        Kind::Word if reader.is("default") => Wish::Reset,
        Kind::Word | Kind::Quoted | Kind::UnicodeName(_) => {
            let mut buffer = [0; NAME_BYTES_MAX];
            literal::ident(reader.text(), &token, &mut buffer).map_or(Wish::Unknown, boolean)
        }
        Kind::Text(style) if style != Style::Bits => {
            reader.literal().map_or(Wish::Unknown, |value| boolean(&value))
        }
        Kind::Number => number(reader.text().get(token.start..token.stop).unwrap_or_default()),
        _ => Wish::Unknown,
    };
    reader.advance();
    if reader.at_end() { wish } else { Wish::Unknown }
}

/// As the server's `parse_bool` reads it: prefixes that are long enough, in any case.
fn boolean(value: &[u8]) -> Wish {
    let prefix = |word: &str, least: usize| {
        value.len() >= least
            && word
                .as_bytes()
                .get(..value.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(value))
    };
    if prefix("true", 1) || prefix("yes", 1) || prefix("on", 2) || value == b"1" {
        Wish::On
    } else if prefix("false", 1) || prefix("no", 1) || prefix("off", 2) || value == b"0" {
        Wish::Off
    } else {
        Wish::Unknown
    }
}

/// An integer constant is printed anew before it is read as a truth value, so `00` is off.
fn number(digits: &[u8]) -> Wish {
    match digits.split_last() {
        Some((b'0', zeros)) if zeros.iter().all(|&b| b == b'0') => Wish::Off,
        Some((b'1', zeros)) if zeros.iter().all(|&b| b == b'0') => Wish::On,
        _ => Wish::Unknown,
    }
}

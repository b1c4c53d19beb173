//! START TRANSACTION, BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, LOCK TABLES and XA.
//!
//! An access mode that cannot be read counts as READ WRITE: the server rejects it, or it is from a later version.

use std::ops::Range;

use super::Flavor;
use super::class::{Access, Class, Transaction, Wish, Xa};
use super::lexer::Token;
use super::names;
use super::reader::Reader;

pub(super) const PREPARED: &str = "it decides over a prepared transaction";
pub(super) const LOCK: &str = "its lock could block the maintenance";

pub(super) fn range(token: &Token) -> Range<usize> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    at(token.start)..at(token.end)
}

/// `START TRANSACTION [modes]`, both words read, or `BEGIN [WORK]`, the first word read.
pub(super) fn begin(reader: &mut Reader<'_>) -> (Class, Transaction) {
    let mut access = None;
    let mut snapshot = false;
    let mut write_words = Vec::new();
    reader.eat("work");
    while let Some(token) = reader.peek() {
        if reader.eat("read") {
            let write = reader.peek().filter(|_| reader.is("write"));
            write_words.extend(write.as_ref().map(range));
            access = match access {
                None if reader.is("only") => Some(Access::ReadOnly),
                _ => Some(Access::ReadWrite),
            };
        }
        snapshot |= names::slice(reader.text(), &token).eq_ignore_ascii_case(b"snapshot");
        reader.advance();
    }
    let class = if access == Some(Access::ReadWrite) {
        Class::Lift
    } else {
        Class::Read
    };
    (
        class,
        Transaction::Begin {
            access,
            snapshot,
            write_words,
        },
    )
}

/// The list behind `SET TRANSACTION`: the wish for read-only, if there is one.
pub(super) fn characteristics(reader: &mut Reader<'_>) -> Option<Wish> {
    let mut wish = None;
    while let Some(mut item) = reader.item() {
        if item.eat("isolation") && item.eat("level") {
            continue;
        }
        wish = Some(match item.eat("read") {
            true if item.is("only") => Wish::On,
            true if item.is("write") => Wish::Off,
            _ => Wish::Unknown,
        });
    }
    wish
}

/// COMMIT, the first word read.
pub(super) fn commit(reader: &mut Reader<'_>) -> Transaction {
    reader.eat("work");
    let (chain, release) = completion(reader);
    Transaction::Commit { chain, release }
}

/// ROLLBACK, the first word read.
pub(super) fn rollback(reader: &mut Reader<'_>) -> Transaction {
    reader.eat("work");
    if reader.is("to") {
        return Transaction::RollbackTo;
    }
    let (chain, release) = completion(reader);
    Transaction::Rollback { chain, release }
}

/// `[AND [NO] CHAIN] [[NO] RELEASE]`
fn completion(reader: &mut Reader<'_>) -> (Option<bool>, Option<bool>) {
    let mut chain = None;
    if reader.eat("and") {
        chain = Some(!reader.eat("no"));
        reader.eat("chain");
    }
    let release = match reader.eat("no") {
        true => Some(false),
        false if reader.is("release") => Some(true),
        false => None,
    };
    (chain, release)
}

/// LOCK, the first word read. Read locks are taken in a read-only session too; write locks are refused there, except on
/// temporary tables.
pub(super) fn lock(reader: &mut Reader<'_>) -> (Class, Option<Transaction>) {
    if !reader.eat_any(&["table", "tables"]) {
        return (Class::Leak(LOCK), None);
    }
    let (mut reads, mut write) = (false, false);
    while !reader.at_end() {
        reads |= reader.is("read");
        write |= reader.is("write");
        reader.advance();
    }
    let class = if write && !reads {
        Class::Guarded
    } else {
        Class::Leak(LOCK)
    };
    (class, Some(Transaction::LockTables { write }))
}

/// XA, the first word read.
pub(super) fn xa(reader: &mut Reader<'_>, flavor: Flavor) -> (Class, Option<Transaction>) {
    let verb = match reader.word().to_ascii_lowercase().as_slice() {
        b"start" | b"begin" => Xa::Start,
        b"end" => Xa::End,
        b"prepare" => Xa::Prepare,
        b"commit" => Xa::Commit,
        b"rollback" => Xa::Rollback,
        b"recover" => Xa::Recover,
        _ => return (Class::Leak(PREPARED), None),
    };
    reader.advance();
    let mut xid = Vec::new();
    let mut one_phase = false;
    while let Some(token) = reader.advance() {
        one_phase |= names::slice(reader.text(), &token).eq_ignore_ascii_case(b"phase");
        xid.extend_from_slice(names::slice(reader.text(), &token));
    }
    let class = match verb {
        Xa::Start | Xa::End | Xa::Recover => Class::Read,
        // The session's own branch, never prepared. MySQL takes it for a prepared one of another session too.
        Xa::Commit if one_phase && flavor == Flavor::MariaDb => Class::Read,
        Xa::Prepare | Xa::Commit | Xa::Rollback => Class::Leak(PREPARED),
    };
    let transaction = Transaction::Xa { verb, xid, one_phase };
    (class, Some(transaction))
}

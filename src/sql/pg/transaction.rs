//! BEGIN, START, COMMIT, END, ROLLBACK, ABORT, SAVEPOINT, RELEASE, and the transaction modes.
//!
//! A mode list that cannot be read counts as READ WRITE: the server rejects it, or it is from a later version.

use super::class::{Access, Class, Wish};
use super::reader::Reader;

pub(super) const PREPARED: &str = "it decides over a prepared transaction";

/// `BEGIN [WORK | TRANSACTION] [modes]`, the first word read; `START TRANSACTION [modes]` too.
pub(super) fn begin(reader: &mut Reader<'_>) -> Class {
    reader.eat_any(&["work", "transaction"]);
    Class::Begin {
        access: modes(reader),
    }
}

/// A list of transaction modes up to the end: the last access mode wins.
pub(super) fn modes(reader: &mut Reader<'_>) -> Option<Access> {
    let mut access = None;
    while !reader.at_end() {
        let known = if reader.eat("read") {
            access = Some(if reader.eat("only") {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            });
            access == Some(Access::ReadOnly) || reader.eat("write")
        } else if reader.eat("isolation") {
            reader.eat("level") && isolation(reader)
        } else {
            reader.eat("not");
            reader.eat("deferrable")
        };
        if !known {
            return Some(Access::ReadWrite);
        }
        reader.eat_punct(b',');
    }
    access
}

/// READ COMMITTED is an isolation level, not an access mode.
fn isolation(reader: &mut Reader<'_>) -> bool {
    if reader.eat("read") {
        return reader.eat_any(&["committed", "uncommitted"]);
    }
    reader.eat("serializable") || (reader.eat("repeatable") && reader.eat("read"))
}

pub(super) fn wish(access: Access) -> Wish {
    match access {
        Access::ReadOnly => Wish::On,
        Access::ReadWrite => Wish::Off,
    }
}

/// COMMIT and END, the first word read.
pub(super) fn commit(reader: &mut Reader<'_>) -> Class {
    if reader.is("prepared") {
        return Class::Leak(PREPARED);
    }
    reader.eat_any(&["work", "transaction"]);
    Class::Commit { chain: chain(reader) }
}

/// ROLLBACK and ABORT, the first word read.
pub(super) fn rollback(reader: &mut Reader<'_>) -> Class {
    if reader.is("prepared") {
        return Class::Leak(PREPARED);
    }
    reader.eat_any(&["work", "transaction"]);
    if reader.is("to") {
        return Class::RollbackTo;
    }
    Class::Rollback { chain: chain(reader) }
}

/// `AND [NO] CHAIN`; what cannot be read counts as a chain.
fn chain(reader: &mut Reader<'_>) -> bool {
    if reader.at_end() {
        return false;
    }
    let no = reader.eat("and") && reader.eat("no") && reader.eat("chain") && reader.at_end();
    !no
}

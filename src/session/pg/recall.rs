//! What stands behind names that were given before the lull: the server's list, judged by its texts.

use std::{collections::HashMap, rc::Rc};

use crate::sql::pg::{self as sql, Class, Conforming, Modes, RefusedWords, Statement};

use super::{
    PgSession,
    own::{self, Reply},
    stand::of_class,
};

impl PgSession {
    pub(super) fn fill_book(&mut self, reply: Reply) {
        let (mut statements, mut portals) = (HashMap::new(), HashMap::new());
        for row in reply.rows {
            let [Some(kind), Some(name), Some(text)] = row.as_slice() else {
                continue;
            };
            if own::is_own_name(name) {
                continue;
            }
            let into = if kind == b"s" {
                &mut statements
            } else {
                &mut portals
            };
            let mut statement = self.recall(name, text);
            if kind == b"c" && locks_rows(text, &self.parameters.modes()) {
                statement = of_class(Class::Leak("it locks rows"));
            }
            into.insert(name.as_slice().into(), Rc::new(statement));
        }
        // Where the question failed, names stay unknown and are refused.
        match reply.error {
            None => self.in_lull(|lull| lull.book.filled(statements, portals)),
            Some(_) => self.in_lull(|lull| lull.texts_failed = true),
        }
    }

    /// A text that the server knows already. What cannot be read must not run. The server may have read it by another
    /// setting of `standard_conforming_strings` than it has now: where that matters, it cannot be read.
    pub(super) fn recall(&self, name: &[u8], text: &[u8]) -> Statement {
        let modes = |conforming| Modes {
            standard_conforming_strings: conforming,
            ..self.parameters.modes()
        };
        let read = |conforming| self.recall_as(name, text, &modes(conforming));
        match (read(Conforming::On), read(Conforming::Off)) {
            (Some(one), Some(other)) if one == other => one,
            _ => of_class(Class::Leak(
                "it was prepared before the lull and cannot be judged",
            )),
        }
    }

    fn recall_as(&self, name: &[u8], text: &[u8], modes: &Modes) -> Option<Statement> {
        let audited = self.lull.as_ref().and_then(|lull| lull.audited.as_ref())?;
        if !matches!(audited.words.mentioned(text, modes), Ok(None)) {
            return None;
        }
        let mut statements = sql::statements(text, modes).ok()?;
        // What was named in SQL is listed with the whole message that it came in.
        let names = |statement: &Statement| match &statement.class {
            Class::Prepare { name: known, .. } | Class::Declare { name: known, .. } => known == name,
            _ => false,
        };
        let alone = statements.len() == 1;
        statements.retain(|statement| alone || names(statement));
        let mut statement = statements.pop().filter(|_| statements.is_empty())?;
        if let Class::Prepare { inner, .. } = statement.class {
            statement = *inner;
        }
        statement.span = 0..0;
        Some(statement)
    }
}

/// A cursor from before the lull locks its rows as it is fetched from, whatever the transaction's mode is by then. (A
/// column of that name is taken for the word: such a cursor must be declared again.)
fn locks_rows(text: &[u8], modes: &Modes) -> bool {
    let mut words = RefusedWords::new();
    words.refuse(b"update");
    words.refuse(b"share");
    !matches!(words.mentioned(text, modes), Ok(None))
}

//! The expressions whose arguments decide: `set_config`, and functions that run a text which they are given.
//!
//! To print an expression the server locks the tables in it for reading, so only these few are printed.

use super::question::{Node, ask, rows, rows_of};
use crate::session::Rows;

const COLUMNS: usize = 3;

pub(super) fn question<'a>(wanted: impl Iterator<Item = &'a Node>) -> String {
    let wanted = wanted.map(|node| (node.clone(), None)).collect();
    ask(
        COLUMNS,
        include_str!("texts.sql"),
        &[("{wanted}", rows_of(&wanted))],
    )
}

/// The texts; what cannot be printed, or is gone in the meantime, is missing. (Printing a rule is a query of the server's
/// own, which finds nothing where the session's search path offers other operators.)
pub(super) fn read(answer: Rows) -> Result<Vec<(Node, Vec<u8>)>, String> {
    let rows = rows(answer, COLUMNS)?;
    let printed = rows.iter().filter_map(|row| row.bytes(2).map(|text| (row, text)));
    printed
        .map(|(row, text)| Ok((row.node(0, 1)?, text.to_vec())))
        .collect()
}

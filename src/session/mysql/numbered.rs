//! Commands that speak of a prepared statement by its number, where the session may move or has moved: what must be
//! remembered of them, and what the server must see in their place.
//!
//! Guarantees that the numbers which a client holds stay valid. It must not know where the session is.

use crate::{
    fault::Fault,
    wire::mysql::{
        capability::Capabilities,
        command,
        packet::{self, Header, PAYLOAD_BYTES_MAX},
    },
};

use super::{MySession, parameters};

/// Where the number is.
const NUMBER_AT: usize = 1;

impl MySession {
    /// Takes note of a command. What of its first packet the server is to get instead of `payload`, header included; None
    /// where it is right as it is.
    pub(super) fn address(&mut self, header: Header, payload: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let first = header.first.unwrap_or_default();
        if !self.settings.travels || header.continuation || !is_numbered(first) {
            return Ok(None);
        }
        let Some(id) = command::statement_id(payload) else {
            return Ok(None);
        };
        let completed = self.remember_use(id, first, payload);
        let number = self.statements.number(id);
        if number == id && completed.is_none() {
            return Ok(None);
        }
        let mut shown = completed.unwrap_or_else(|| payload.to_vec());
        if let Some(place) = shown.get_mut(NUMBER_AT..NUMBER_AT + 4) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let payload_bytes = header.payload_bytes + shown.len() - payload.len();
        if payload_bytes != header.payload_bytes && payload_bytes >= PAYLOAD_BYTES_MAX {
            return Err(Fault::policy(
                "the first execution behind a move is too large to be told the types of its parameters",
            ));
        }
        Ok(Some(packet::begin(payload_bytes, header.sequence, &shown)))
    }

    /// The head that tells the types of parameters, where the server has not been told.
    fn remember_use(&mut self, id: u32, first: u8, payload: &[u8]) -> Option<Vec<u8>> {
        let attributes = self.agreed.upstream.has(Capabilities::QUERY_ATTRIBUTES);
        let prepared = self.statements.get_mut(id)?;
        prepared.is_open = match first {
            command::STMT_SEND_LONG_DATA => true,
            command::STMT_EXECUTE => parameters::opens_cursor(payload),
            command::STMT_FETCH => prepared.is_open,
            _ => false,
        };
        if !matches!(first, command::STMT_EXECUTE | command::STMT_BULK_EXECUTE) {
            return None;
        }
        let Some(said) = parameters::read(payload, prepared.parameters, attributes) else {
            // What it has told, nobody has seen.
            self.statements.incomplete |= prepared.parameters > 0;
            return None;
        };
        if let Some(types) = said.types(payload) {
            prepared.owes_types = false;
            if prepared.types.as_deref() != Some(&types) {
                prepared.types = Some(Box::new(types));
            }
            return None;
        }
        if !prepared.owes_types {
            return None;
        }
        let completed = said.completed(payload, prepared.types.as_deref()?);
        prepared.owes_types &= completed.is_none();
        completed
    }
}

pub(super) fn is_numbered(first: u8) -> bool {
    matches!(
        first,
        command::STMT_EXECUTE
            | command::STMT_BULK_EXECUTE
            | command::STMT_SEND_LONG_DATA
            | command::STMT_CLOSE
            | command::STMT_RESET
            | command::STMT_FETCH
    )
}

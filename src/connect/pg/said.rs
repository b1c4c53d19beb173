//! What a server said when it let somebody in: settings, the key for cancelling, notices.

use crate::wire::pg::{
    auth, backend,
    frame::{HEADER_BYTES, header},
};

/// Messages as they came, those of the authentication and the ReadyForQuery left out.
#[derive(Debug, Default)]
pub struct Said(pub(super) Vec<u8>);

impl Said {
    /// The server's settings by name, in its order (ParameterStatus).
    pub fn parameters(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.of(backend::PARAMETER_STATUS)
            .filter_map(backend::parameter_status)
    }

    /// Process id and secret key (BackendKeyData). A server that cannot cancel sends none.
    pub fn key(&self) -> &[u8] {
        self.of(backend::BACKEND_KEY_DATA).last().unwrap_or_default()
    }

    /// For a client that lull has authenticated: that it is in, and all of this. What the server negotiates comes before
    /// the first: clients take it from nowhere else.
    pub(super) fn write_for_client(&self, out: &mut Vec<u8>) {
        let negotiates = |tag| tag == backend::NEGOTIATE_PROTOCOL_VERSION;
        let negotiated = self.messages().filter(|(tag, _)| negotiates(*tag));
        negotiated.for_each(|(_, message)| out.extend_from_slice(message));
        auth::write_ok(out);
        let others = self.messages().filter(|(tag, _)| !negotiates(*tag));
        others.for_each(|(_, message)| out.extend_from_slice(message));
    }

    /// The bodies of messages of one type.
    fn of(&self, tag: u8) -> impl Iterator<Item = &[u8]> {
        self.messages()
            .filter_map(move |(is, message)| (is == tag).then(|| message.get(HEADER_BYTES..))?)
    }

    fn messages(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let header = header(rest).ok()??;
            let (message, after) = rest.split_at_checked(HEADER_BYTES + header.body_bytes)?;
            rest = after;
            Some((header.tag, message))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_key_are_found_among_what_was_said() {
        let said =
            Said(b"S\0\0\0\x08a\x001\0N\0\0\0\x05\0K\0\0\0\x0c\0\0\0\x07keysS\0\0\0\x08b\x002\0".to_vec());
        let parameters: Vec<_> = said.parameters().collect();
        assert_eq!(parameters, [(&b"a"[..], &b"1"[..]), (b"b", b"2")]);
        assert_eq!(said.key(), b"\0\0\0\x07keys");
        assert_eq!(Said::default().key(), b"");
    }
}

//! ErrorResponse and NoticeResponse (manual: "Error and Notice Message Fields"): fields of one type byte and a string.

use super::{backend::ERROR, frontend::write, startup::cstr};

pub const READ_ONLY_SQL_TRANSACTION: &str = "25006";
/// What a standby answers to some of what it refuses for being one: feature_not_supported, internal_error,
/// object_not_in_prerequisite_state.
const REFUSALS_OF_STANDBYS: [&[u8]; 3] = [b"0A000", b"XX000", b"55000"];

/// The fields of one error, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Fields<'a> {
    /// None if the body is cut short.
    pub fn read(body: &'a [u8]) -> Option<Self> {
        let mut fields = Vec::new();
        let mut rest = body;
        loop {
            let (&kind, after) = rest.split_first()?;
            if kind == 0 {
                return Some(Self(fields));
            }
            let (value, after) = cstr(after)?;
            fields.push((kind, value));
            rest = after;
        }
    }

    pub fn get(&self, kind: u8) -> Option<&'a [u8]> {
        self.0.iter().find(|(k, _)| *k == kind).map(|(_, value)| *value)
    }

    pub fn sqlstate(&self) -> &'a [u8] {
        self.get(b'C').unwrap_or_default()
    }

    pub fn message(&self) -> &'a [u8] {
        self.get(b'M').unwrap_or_default()
    }

    /// Whether a server that is no standby would not have said so. By the words of the message: the code alone stands for
    /// much else.
    pub fn is_refusal_of_standby(&self) -> bool {
        let says = |words: &[u8]| self.message().windows(words.len()).any(|window| window == words);
        REFUSALS_OF_STANDBYS.contains(&self.sqlstate()) && (says(b"recovery") || says(b"hot standby"))
    }

    /// Puts another value in a field's place.
    pub fn replace(&mut self, kind: u8, value: &'a str) {
        if let Some((_, old)) = self.0.iter_mut().find(|(k, _)| *k == kind) {
            *old = value.as_bytes();
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, kind: u8) {
        self.0.retain(|(k, _)| *k != kind);
    }

    /// Adds a field where the server set none, behind the message as libpq and the server order them.
    pub fn add(&mut self, kind: u8, value: &'a str) {
        if self.get(kind).is_none() {
            let behind = self
                .0
                .iter()
                .rposition(|(k, _)| matches!(k, b'M' | b'D'))
                .map_or(self.0.len(), |at| at + 1);
            self.0.insert(behind, (kind, value.as_bytes()));
        }
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        for (kind, value) in &self.0 {
            body.push(*kind);
            body.extend_from_slice(value);
            body.push(0);
        }
        write(out, ERROR, &[&body, b"\0"]);
    }
}

/// An error of lull's own.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// `ERROR` or `FATAL`.
    pub severity: &'static str,
    pub sqlstate: &'a str,
    pub message: &'a str,
    pub detail: Option<&'a str>,
    pub hint: Option<&'a str>,
}

impl Report<'_> {
    pub fn write(&self, out: &mut Vec<u8>) {
        let severity = self.severity.as_bytes();
        let mut fields = Fields(vec![
            (b'S', severity),
            (b'V', severity),
            (b'C', self.sqlstate.as_bytes()),
            (b'M', self.message.as_bytes()),
        ]);
        fields
            .0
            .extend(self.detail.map(|detail| (b'D', detail.as_bytes())));
        fields.0.extend(self.hint.map(|hint| (b'H', hint.as_bytes())));
        fields.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_and_hint_join_a_servers_error_behind_its_message() {
        let body = b"SERROR\0C25006\0Mcannot execute INSERT in a read-only transaction\0Fx.c\0\0";
        let mut fields = Fields::read(body).unwrap();
        fields.add(b'D', "why");
        fields.add(b'H', "what to do");
        let mut out = Vec::new();
        fields.write(&mut out);
        assert!(out.ends_with(b"transaction\0Dwhy\0Hwhat to do\0Fx.c\0\0"));
    }

    #[test]
    fn an_error_that_is_cut_short_is_none() {
        let body = b"SERROR\0C25006\0\0";
        for end in 0..body.len() {
            assert_eq!(Fields::read(&body[..end]), None);
        }
    }
}

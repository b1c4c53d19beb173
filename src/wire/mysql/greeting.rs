//! The server's first packet (manual: "Protocol::HandshakeV10").
//!
//! lull hands it to its client as it came, but for the capabilities: whatever else servers put into it stays.

use super::{
    capability::{Capabilities, Status},
    read::Reader,
};

const PROTOCOL_10: u8 = 10;
/// Of the reserved bytes, those in which MariaDB has its own capabilities.
const RESERVED_BYTES: usize = 6;
/// The scramble without the zero at its end.
pub const SCRAMBLE_BYTES: usize = 20;
const FIRST_PART_BYTES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting<'a> {
    payload: &'a [u8],
    pub server_version: &'a [u8],
    /// What `KILL` takes.
    pub connection_id: u32,
    pub capabilities: Capabilities,
    pub collation: u8,
    pub status: Status,
    pub scramble: [u8; SCRAMBLE_BYTES],
    /// The method that the server would like. Empty where it does not say.
    pub plugin: &'a [u8],
    /// Where the capabilities are.
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not greet as MySQL and MariaDB do (protocol 10 of version 4.1 and newer)")]
pub struct Ungreeted;

impl<'a> Greeting<'a> {
    pub fn read(payload: &'a [u8]) -> Result<Self, Ungreeted> {
        Self::parse(payload).ok_or(Ungreeted)
    }

    fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        if reader.u8()? != PROTOCOL_10 {
            return None;
        }
        let server_version = reader.until_nul()?;
        let connection_id = reader.u32()?;
        let first = reader.bytes(FIRST_PART_BYTES)?;
        reader.u8()?;
        let at = payload.len() - reader.rest().len();
        let low = reader.u16()?;
        let (collation, status, high) = (reader.u8()?, Status(reader.u16()?), reader.u16()?);
        let scramble_bytes = usize::from(reader.u8()?);
        reader.bytes(RESERVED_BYTES)?;
        let own = reader.u32()?;
        let capabilities = Capabilities(u64::from(low) | u64::from(high) << 16);
        let capabilities = match capabilities.has(Capabilities::MYSQL) {
            true => capabilities,
            false => capabilities.with(Capabilities(u64::from(own) << 32)),
        };
        if !capabilities.has(Capabilities::PROTOCOL_41) {
            return None;
        }
        let second = reader.bytes(scramble_bytes.saturating_sub(FIRST_PART_BYTES).max(13))?;
        let mut scramble = [0; SCRAMBLE_BYTES];
        for (byte, from) in scramble.iter_mut().zip(first.iter().chain(second)) {
            *byte = *from;
        }
        // Some servers leave out the zero behind it.
        let plugin = reader.clone().until_nul().unwrap_or(reader.rest());
        Some(Self {
            payload,
            server_version,
            connection_id,
            capabilities,
            collation,
            status,
            scramble,
            plugin,
            at,
        })
    }

    /// The same with other capabilities.
    pub fn with(&self, capabilities: Capabilities) -> Vec<u8> {
        let mut payload = self.payload.to_vec();
        let [a, b, c, d, own @ ..] = capabilities.0.to_le_bytes();
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = payload.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(self.at, &[a, b]);
        // The collation and the status stand between the halves, the length of the scramble and six reserved bytes
        // before the flags of MariaDB.
        put(self.at + 5, &[c, d]);
        if !capabilities.has(Capabilities::MYSQL) {
            put(self.at + 14, &own);
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(version: &str, capabilities: Capabilities) -> Vec<u8> {
        let [a, b, c, d, own @ ..] = capabilities.0.to_le_bytes();
        [
            &[10][..],
            version.as_bytes(),
            b"\0\x07\0\0\0abcdefgh\0",
            &[a, b, 0x2d, 2, 0, c, d, 21],
            &[0; 6],
            &own,
            b"ijklmnopqrst\0mysql_native_password\0",
        ]
        .concat()
    }

    const OFFERED: Capabilities = Capabilities(0x1ff_ffff_fffe);

    #[test]
    fn a_greeting_is_read_and_differs_only_in_its_capabilities_when_they_change() {
        let bytes = greeting("5.5.5-10.11.6-MariaDB", OFFERED);
        let read = Greeting::read(&bytes).unwrap();
        assert_eq!((read.connection_id, &read.scramble), (7, b"abcdefghijklmnopqrst"));
        assert_eq!(read.plugin, b"mysql_native_password");
        assert_eq!(read.capabilities, OFFERED);
        assert_eq!(read.with(OFFERED), bytes);
        let fewer = OFFERED
            .without(Capabilities::COMPRESS)
            .without(Capabilities::MARIADB_BULK_OPERATIONS);
        assert_eq!(read.with(fewer), greeting("5.5.5-10.11.6-MariaDB", fewer));
    }

    #[test]
    fn a_greeting_that_is_cut_short_or_of_another_protocol_is_refused() {
        let bytes = greeting("8.4.0", OFFERED.with(Capabilities::MYSQL));
        let scramble_ends = bytes.len() - b"mysql_native_password\0".len();
        for end in 0..scramble_ends {
            assert_eq!(Greeting::read(&bytes[..end]), Err(Ungreeted), "{end}");
        }
        assert!(Greeting::read(b"\x09old\0").is_err());
        assert!(Greeting::read(b"E\0\0\0\x08fatal").is_err());
    }
}

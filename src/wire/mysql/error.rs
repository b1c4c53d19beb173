//! ERR_Packet (manual: "ERR_Packet").

use super::{packet, read::Reader};

pub const MARK: u8 = 0xff;
/// ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION.
pub const READ_ONLY_TRANSACTION: u16 = 1792;
/// Its SQLSTATE.
pub const READ_ONLY_SQL_TRANSACTION: &[u8; 5] = b"25006";
/// ER_OPTION_PREVENTS_STATEMENT: an option of the server's, by its name in the message, does not allow a statement.
pub const OPTION_PREVENTS: u16 = 1290;
/// ER_READ_ONLY_MODE.
pub const INNODB_READ_ONLY: u16 = 1836;
/// What the server says when it ends a connection: shutdown, network errors, time-outs, KILL.
pub const PARTING: [u16; 8] = [1053, 1158, 1159, 1160, 1161, 1184, 1927, 4031];
/// ER_XAER_RMFAIL: an XA branch is in a state in which a statement cannot run.
pub const IN_BRANCH: u16 = 1399;
/// ER_QUERY_INTERRUPTED.
pub const QUERY_INTERRUPTED: u16 = 1317;
/// ER_XAER_RMFAIL.
pub const XA_WRONG_STATE: u16 = 1399;
/// ER_PARSE_ERROR.
pub const PARSE: u16 = 1064;
/// Of MariaDB: no error, but how far a statement is.
const PROGRESS: u16 = 0xffff;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error<'a> {
    pub code: u16,
    /// None before the capabilities are known.
    pub sqlstate: Option<&'a [u8]>,
    pub message: &'a [u8],
}

impl<'a> Error<'a> {
    /// None for what is no error packet.
    pub fn read(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        if reader.u8()? != MARK {
            return None;
        }
        let code = reader.u16()?;
        let sqlstate = match reader.rest() {
            [b'#', ..] => reader.bytes(6).and_then(|marked| marked.get(1..)),
            _ => None,
        };
        let message = reader.rest();
        Some(Self {
            code,
            sqlstate,
            message,
        })
    }

    pub fn is_progress(&self) -> bool {
        self.code == PROGRESS
    }

    pub fn write(&self, out: &mut Vec<u8>, sequence: u8) {
        let mut payload = vec![MARK];
        payload.extend_from_slice(&self.code.to_le_bytes());
        if let Some(sqlstate) = self.sqlstate {
            payload.push(b'#');
            payload.extend_from_slice(sqlstate);
        }
        payload.extend_from_slice(self.message);
        packet::write(out, sequence, &payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_back_as_it_is_written() {
        let error = Error {
            code: READ_ONLY_TRANSACTION,
            sqlstate: Some(READ_ONLY_SQL_TRANSACTION),
            message: b"no",
        };
        let mut bytes = Vec::new();
        error.write(&mut bytes, 1);
        assert_eq!(&bytes[..4], &[11, 0, 0, 1]);
        assert_eq!(Error::read(&bytes[4..]), Some(error));
        assert_eq!(Error::read(&[0xff, 1]), None);
    }
}

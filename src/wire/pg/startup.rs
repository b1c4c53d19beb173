//! The packets that open a connection (manual: "Message Formats": StartupMessage, SSLRequest, GSSENCRequest,
//! CancelRequest): a length that counts itself, then a code, then what belongs to the code.

pub const SSL_REQUEST: u32 = 80_877_103;
pub const GSSENC_REQUEST: u32 = 80_877_104;
pub const CANCEL_REQUEST: u32 = 80_877_102;

/// The first packet of a connection, read from its body (without the length).
#[derive(Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    SslRequest,
    GssencRequest,
    Cancel,
    Startup(Startup<'a>),
}

/// What a StartupMessage says, as far as lull must know. Unknown parameters and `_pq_.` options go to the server as
/// they came: the server negotiates them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Startup<'a> {
    pub user: &'a [u8],
    pub database: Option<&'a [u8]>,
    pub application_name: &'a [u8],
    pub replication: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStartup {
    #[error("the startup packet is cut short")]
    CutShort,
    #[error("protocol version {0}.{1} is not 3")]
    Version(u32, u32),
    #[error("the startup packet names no user")]
    NoUser,
}

/// Reads the body of a first packet: everything behind its length.
pub fn opening(body: &[u8]) -> Result<Opening<'_>, BadStartup> {
    let (code, rest) = body.split_first_chunk::<4>().ok_or(BadStartup::CutShort)?;
    match u32::from_be_bytes(*code) {
        SSL_REQUEST => Ok(Opening::SslRequest),
        GSSENC_REQUEST => Ok(Opening::GssencRequest),
        CANCEL_REQUEST => Ok(Opening::Cancel),
        version if version >> 16 == 3 => startup(rest).map(Opening::Startup),
        version => Err(BadStartup::Version(version >> 16, version & 0xffff)),
    }
}

fn startup(mut rest: &[u8]) -> Result<Startup<'_>, BadStartup> {
    let mut said = Startup::default();
    loop {
        let (name, after) = cstr(rest).ok_or(BadStartup::CutShort)?;
        if name.is_empty() {
            break;
        }
        let (value, after) = cstr(after).ok_or(BadStartup::CutShort)?;
        rest = after;
        match name {
            b"user" => said.user = value,
            b"database" => said.database = Some(value),
            b"application_name" => said.application_name = value,
            b"replication" => said.replication = Some(value),
            _ => {}
        }
    }
    if said.user.is_empty() {
        Err(BadStartup::NoUser)
    } else {
        Ok(said)
    }
}

/// A StartupMessage of protocol 3.0, length included.
pub fn packet(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = vec![0, 3, 0, 0];
    for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &body].concat()
}

/// The zero-terminated string at the start of `bytes`, and what follows it.
pub(super) fn cstr(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&b| b == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_startup_message_says_who_comes() {
        let body = b"\x00\x03\x00\x02user\0web\0database\0crm\0_pq_.new\0x\0\0";
        let Ok(Opening::Startup(said)) = opening(body) else {
            panic!("no startup")
        };
        assert_eq!((said.user, said.database), (&b"web"[..], Some(&b"crm"[..])));
    }

    #[test]
    fn every_truncation_is_an_error_and_no_panic() {
        let body = b"\x00\x03\x00\x00user\0web\0\0";
        for end in 0..body.len() {
            assert!(opening(&body[..end]).is_err());
        }
        assert_eq!(opening(b"\x00\x02\x00\x00"), Err(BadStartup::Version(2, 0)));
    }
}

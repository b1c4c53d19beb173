//! Messages of an authentication (manual: "Message Formats": AuthenticationXXX, PasswordMessage, SASLInitialResponse,
//! SASLResponse), from both sides.

use super::{backend::AUTHENTICATION, frontend::write, startup::cstr};

/// PasswordMessage, SASLInitialResponse and SASLResponse.
pub const ANSWER: u8 = b'p';

const OK: u32 = 0;
const CLEAR_TEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// What an AuthenticationXXX asks for, or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    Ok,
    ClearText,
    /// With this salt.
    Md5([u8; 4]),
    Sasl(Mechanisms<'a>),
    SaslContinue(&'a [u8]),
    SaslFinal(&'a [u8]),
    Other(u32),
}

/// The names of the mechanisms that a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms<'a>(&'a [u8]);

impl Mechanisms<'_> {
    pub fn offer(&self, mechanism: &str) -> bool {
        self.0
            .split(|&byte| byte == 0)
            .any(|name| name == mechanism.as_bytes())
    }
}

/// AuthenticationXXX.
pub fn asked(body: &[u8]) -> Option<Asked<'_>> {
    let (code, rest) = body.split_first_chunk::<4>()?;
    Some(match u32::from_be_bytes(*code) {
        OK => Asked::Ok,
        CLEAR_TEXT => Asked::ClearText,
        MD5 => Asked::Md5(*rest.first_chunk::<4>()?),
        SASL => Asked::Sasl(Mechanisms(rest)),
        SASL_CONTINUE => Asked::SaslContinue(rest),
        SASL_FINAL => Asked::SaslFinal(rest),
        other => Asked::Other(other),
    })
}

/// SASLInitialResponse: the mechanism and its first message.
pub fn sasl_initial(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mechanism, rest) = cstr(body)?;
    let (length, message) = rest.split_first_chunk::<4>()?;
    (u32::from_be_bytes(*length) as usize == message.len()).then_some((mechanism, message))
}

pub fn write_ok(out: &mut Vec<u8>) {
    write(out, AUTHENTICATION, &[&OK.to_be_bytes()]);
}

pub fn write_md5(out: &mut Vec<u8>, salt: [u8; 4]) {
    write(out, AUTHENTICATION, &[&MD5.to_be_bytes(), &salt]);
}

pub fn write_sasl(out: &mut Vec<u8>, mechanisms: &[&str]) {
    let names: String = mechanisms.iter().map(|name| format!("{name}\0")).collect();
    write(
        out,
        AUTHENTICATION,
        &[&SASL.to_be_bytes(), names.as_bytes(), b"\0"],
    );
}

pub fn write_sasl_continue(out: &mut Vec<u8>, message: &str) {
    write(
        out,
        AUTHENTICATION,
        &[&SASL_CONTINUE.to_be_bytes(), message.as_bytes()],
    );
}

pub fn write_sasl_final(out: &mut Vec<u8>, message: &str) {
    write(
        out,
        AUTHENTICATION,
        &[&SASL_FINAL.to_be_bytes(), message.as_bytes()],
    );
}

/// PasswordMessage.
pub fn write_password(out: &mut Vec<u8>, password: &[u8]) {
    write(out, ANSWER, &[password, b"\0"]);
}

pub fn write_sasl_initial(out: &mut Vec<u8>, mechanism: &str, message: &str) {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    write(
        out,
        ANSWER,
        &[mechanism.as_bytes(), b"\0", &length, message.as_bytes()],
    );
}

pub fn write_sasl_response(out: &mut Vec<u8>, message: &str) {
    write(out, ANSWER, &[message.as_bytes()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut out = Vec::new();
        write_sasl(&mut out, &["ONE", "TWO"]);
        let Some(Asked::Sasl(mechanisms)) = asked(&out[5..]) else {
            panic!("no offer")
        };
        assert!(mechanisms.offer("ONE") && mechanisms.offer("TWO") && !mechanisms.offer("TW"));
        let mut out = Vec::new();
        write_sasl_initial(&mut out, "ONE", "n,,");
        assert_eq!(sasl_initial(&out[5..]), Some((&b"ONE"[..], &b"n,,"[..])));
        let mut out = Vec::new();
        write_md5(&mut out, *b"salt");
        assert_eq!(asked(&out[5..]), Some(Asked::Md5(*b"salt")));
    }

    #[test]
    fn what_is_cut_short_or_lies_about_its_length_is_none() {
        let body = b"ONE\0\0\0\0\x03n,,";
        for end in 0..body.len() {
            assert_eq!(sasl_initial(&body[..end]), None);
        }
        assert_eq!(sasl_initial(b"ONE\0\xff\xff\xff\xff"), None);
        assert_eq!(asked(b"\0\0\0"), None);
        assert_eq!(asked(b"\0\0\0\x05sal"), None);
    }
}
